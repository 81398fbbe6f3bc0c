"""The `heddle` command as a person at a terminal uses it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from deploy.local.layout import CHECKOUT
from tests.e2e.world import World

_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """A shell in `folder`, where the checkout's `.venv` and `examples` are, on the platform."""

    folder: Path
    environment: dict[str, str]

    @classmethod
    def on(cls, world: World, folder: Path) -> "Terminal":
        for name in (".venv", "examples"):
            (folder / name).symlink_to(CHECKOUT / name)
        return cls(
            folder=folder,
            environment={
                **os.environ,
                "HEDDLE_URL": world.url,
                "HEDDLE_ADMIN_TOKEN": world.platform.admin_token,
                "HEDDLE_STATE_DIR": str(folder / "state"),
                "PYTHONPATH": str(CHECKOUT),
            },
        )

    def heddle(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run([sys.executable, "-m", "cli.main", *arguments])

    def shell(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run `script` and stop at its first failure."""
        return self._run(["bash", "-euo", "pipefail", "-c", script])

    def python(self, source: str) -> subprocess.CompletedProcess[str]:
        return self._run([sys.executable, "-c", source])

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
