"""A real S3-speaking server over a folder."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.child_process import ProcessSpec
from deploy.local.loopback import LOOPBACK, accepts_connections, free_port
from deploy.local.wheel_binaries import program_beside_python
from tests.support.running_server import running


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Server:
    """Where the server listens and the one account it knows; `bucket` exists."""

    endpoint_url: str
    access_key: str
    secret_key: str
    bucket: str
    region: str = "us-east-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class _RcloneServer:
    folder: Path
    port: int
    log: Path
    access_key: str = "heddle"
    secret_key: str = "heddle-secret"

    def prepare(self) -> None:
        (self.folder / "objects").mkdir(parents=True, exist_ok=True)

    def process(self) -> ProcessSpec:
        return ProcessSpec(
            name="s3",
            command=(
                str(program_beside_python("rclone")),
                "serve",
                "s3",
                "--config=/dev/null",
                f"--addr={LOOPBACK}:{self.port}",
                f"--auth-key={self.access_key},{self.secret_key}",
                # Without its write-behind cache a listing shows an object at once.
                "--vfs-cache-mode=off",
                str(self.folder),
            ),
            log=self.log,
        )

    def is_ready(self) -> bool:
        return accepts_connections(self.port)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"


@contextmanager
def running_s3(folder: Path) -> Generator[S3Server]:
    """A server over `folder` with the bucket `objects`."""
    server = _RcloneServer(folder=folder / "s3", port=free_port(), log=folder / "s3.log")
    with running(server):
        yield S3Server(
            endpoint_url=server.url,
            access_key=server.access_key,
            secret_key=server.secret_key,
            bucket="objects",
        )
