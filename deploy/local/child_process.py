"""One operating-system process that we start and whose exit we collect."""

import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.stack_error import LocalStackError


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """How to start and stop one process.

    `environment` replaces the whole environment; None inherits ours. `stop_seconds` is the grace
    between `stop_signal` and SIGKILL. `user` is the uid (and gid) to become, None to stay. Higher
    `rank` stops earlier; equal ranks stop together.
    """

    name: str
    command: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] | None = None
    folder: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    user: int | None = None
    rank: int = 1


class ChildProcess:
    """A started process; exactly one `ChildProcess` collects the exit of one pid."""

    def __init__(self, spec: ProcessSpec) -> None:
        """Start the process; its output is appended to the log.

        Raises LocalStackError when the program cannot be executed.
        """
        self.spec = spec
        self._stop_requested = False
        spec.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Append mode lets the log be truncated in place while the process keeps writing.
        with spec.log.open("ab") as output:
            try:
                self._process = subprocess.Popen(
                    spec.command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=spec.environment,
                    cwd=spec.folder,
                    user=spec.user,
                    group=spec.user,
                    extra_groups=None if spec.user is None else [],
                    # Its own group: Ctrl-C in our terminal must not bypass the orderly stop.
                    process_group=0,
                )
            except (OSError, subprocess.SubprocessError) as error:
                raise LocalStackError(
                    f"{spec.name} cannot be started: {error}.",
                    remedy="Run `make setup` again; if it stays, remove .venv first.",
                ) from error

    @property
    def pid(self) -> int:
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs. Never blocks."""
        return self._process.poll()

    def request_stop(self) -> None:
        """Send the stop signal, once: many programs read a second one as "at once"."""
        if not self._stop_requested and self.poll() is None:
            self._stop_requested = True
            self._process.send_signal(self.spec.stop_signal)

    def stop(self) -> int:
        """Stop and collect the process, by force after its grace. Returns the exit code."""
        self.request_stop()
        try:
            return self._process.wait(self.spec.stop_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.wait()

    def kill(self) -> None:
        """SIGKILL to the process and its group."""
        if self.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
