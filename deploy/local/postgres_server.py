"""The embedded PostgreSQL 18."""

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploy.local.child_process import ProcessSpec
from deploy.local.loopback import LOOPBACK
from deploy.local.postgres_account import PostgresAccount
from deploy.local.private_file import write_private
from deploy.local.stack_error import LocalStackError
from deploy.local.wheel_binaries import postgres_programs

SUPERUSER = "heddle_admin"
_VERSION = "18"
_INITDB_SECONDS = 60
_SETTINGS = {
    "listen_addresses": LOOPBACK,
    # Socket paths are limited to 107 bytes; TCP has no such trap.
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "1000",
    "log_checkpoints": "off",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresServer:
    """A cluster in `account.data`, with password sign-in over TCP on loopback.

    `durable=False` trades crash safety of the machine for speed: for tests only.
    """

    account: PostgresAccount
    port: int
    password: str
    log: Path
    durable: bool = True
    max_connections: int = 200

    def prepare(self) -> None:
        data = self.account.data
        if not data.exists():
            self._initialise()
            return
        version = data / "PG_VERSION"
        if not version.exists() or not (data / "global" / "pg_control").exists():
            raise LocalStackError(
                f"{data} is not a complete Postgres data folder.",
                remedy=f"Move it away (mv {data} {data}.broken) and start again.",
            )
        if (found := version.read_text().strip()) != _VERSION:
            raise LocalStackError(
                f"{data} was written by Postgres {found}; this stack runs {_VERSION}.",
                remedy="Dump it with its own version and restore, or move it away.",
            )
        self._discard_stale_pid_file()

    def process(self) -> ProcessSpec:
        settings = _SETTINGS | {"port": str(self.port)}
        settings["max_connections"] = str(self.max_connections)
        if not self.durable:
            settings |= _NOT_DURABLE
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        program = str(postgres_programs() / "postgres")
        return ProcessSpec(
            name="postgres",
            command=(*self.account.prefix, program, "-D", str(self.account.data), *flags),
            log=self.log,
            # Fast shutdown: SIGTERM would wait for clients to leave by themselves.
            stop_signal=signal.SIGINT,
            stop_seconds=30,
            user=self.account.user,
            folder=self.account.data.parent,
            # What the others still have to say when they stop must find it running.
            rank=0,
        )

    def is_ready(self) -> bool:
        probe = subprocess.run(
            [postgres_programs() / "pg_isready", "-q", "-t1", "-h", LOOPBACK, "-p", str(self.port)],
            check=False,
        )
        return probe.returncode == 0

    @property
    def url(self) -> str:
        """The superuser's URL, database `postgres`; services never get it."""
        return f"postgresql://{SUPERUSER}:{self.password}@{LOOPBACK}:{self.port}/postgres"

    def _initialise(self) -> None:
        data = self.account.data
        data.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Built beside and moved, so that an interrupted initdb leaves nothing half-made.
        partial = data.with_name(f"{data.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        password_file = data.with_name(f"{data.name}.password")
        write_private(password_file, self.password)
        if self.account.user is not None:
            os.chown(password_file, self.account.user, self.account.user)
        try:
            self._run_initdb(partial, password_file)
        except LocalStackError:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        finally:
            password_file.unlink()
        partial.rename(data)

    def _run_initdb(self, target: Path, password_file: Path) -> None:
        try:
            done = subprocess.run(
                self._initdb(target, password_file),
                check=False,
                capture_output=True,
                text=True,
                timeout=_INITDB_SECONDS,
                user=self.account.user,
                group=self.account.user,
                extra_groups=None if self.account.user is None else [],
                cwd=target.parent,
            )
        except (PermissionError, subprocess.TimeoutExpired) as error:
            raise LocalStackError(
                f"Postgres could not create {self.account.data}: {error}.",
                remedy="Run as a normal user, or move the checkout where other users can read it.",
            ) from error
        if done.returncode != 0:
            lines = (done.stderr or done.stdout).strip().splitlines()
            raise LocalStackError(
                f"Postgres could not create {self.account.data}: {(lines or ['no message'])[-1]}.",
                remedy="Free disk space or fix the folder's rights, then start again.",
            )

    def _initdb(self, target: Path, password_file: Path) -> list[str]:
        return [
            *self.account.prefix,
            str(postgres_programs() / "initdb"),
            f"--pgdata={target}",
            f"--username={SUPERUSER}",
            "--auth=scram-sha-256",
            f"--pwfile={password_file}",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            *([] if self.durable else ["--no-sync"]),
        ]

    def _discard_stale_pid_file(self) -> None:
        # After a power cut the recorded pid may belong to anybody, and Postgres would refuse.
        lock = self.account.data / "postmaster.pid"
        try:
            pid = int(lock.read_text().split(maxsplit=1)[0])
        except (FileNotFoundError, ValueError, IndexError):
            return
        if not _is_postmaster(pid, self.account.data):
            lock.unlink(missing_ok=True)


def _is_postmaster(pid: int, data: Path) -> bool:
    try:
        return str(data) in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
