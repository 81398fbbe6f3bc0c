"""Keeps a set of processes running until it is told to stop."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.child_process import ChildProcess, ProcessSpec
from deploy.local.log_files import last_lines, rotate
from deploy.local.orphans import reap_orphans
from deploy.local.restart_policy import RestartPolicy
from deploy.local.stack_error import LocalStackError
from deploy.local.stack_status import Phase, ProcessStatus, StackStatus, birth, save_status
from deploy.local.wake_up import WakeUp
from libs.common.clock import Clock

_POLL_SECONDS = 0.02
_IDLE_SECONDS = 10.0


class StopRequested(Exception):
    """Somebody asked us to stop while we were waiting for something else."""


@dataclass(slots=True, kw_only=True)
class _Kept:
    """A process we keep alive. `due` is when to start it again, None while it runs."""

    spec: ProcessSpec
    child: ChildProcess | None
    started: float
    born: float | None = None
    crashes: int = 0
    restarts: int = 0
    last_exit: int | None = None
    due: float | None = None


@dataclass(slots=True, kw_only=True)
class Supervisor:
    """The direct parent of every process it starts, in one thread."""

    clock: Clock
    wake_up: WakeUp
    logs: Path
    status: Path
    policy: RestartPolicy = field(default_factory=RestartPolicy)
    _kept: list[_Kept] = field(default_factory=list["_Kept"])
    _phase: Phase = Phase.STARTING
    _message: str = ""

    def announce(self, phase: Phase, message: str = "") -> None:
        """Tell where we are, in the status file and in our own log."""
        self._phase, self._message = phase, message
        self.note(f"{phase} {message}".strip())
        self._tell()

    def note(self, line: str) -> None:
        """A line in the supervisor's log."""
        sys.stdout.write(f"{self.clock.now().isoformat(timespec='milliseconds')} {line}\n")
        sys.stdout.flush()

    def keep(self, spec: ProcessSpec) -> None:
        """Start a process and start it again whenever it exits."""
        child = ChildProcess(spec)
        self._kept.append(
            _Kept(spec=spec, child=child, started=self.clock.monotonic(), born=birth(child.pid))
        )
        self._tell()

    def keep_ready(self, spec: ProcessSpec, ready: Callable[[], bool], within: float) -> None:
        """`keep`, and return once `ready` holds.

        Raises LocalStackError when it exits first or is not ready `within` seconds; StopRequested.
        """
        self.keep(spec)
        kept = self._kept[-1]
        deadline = self.clock.monotonic() + within
        while not ready():
            self._wait_a_little()
            if kept.restarts or kept.due is not None:
                raise self._failure(spec, f"{spec.name} exited with {kept.last_exit}.")
            if self.clock.monotonic() > deadline:
                raise self._failure(spec, f"{spec.name} was not ready after {within:g} s.")

    def run_step(self, spec: ProcessSpec, within: float) -> None:
        """Run a process to its end.

        Raises LocalStackError when it fails or takes longer than `within` seconds; StopRequested.
        """
        child = ChildProcess(spec)
        deadline = self.clock.monotonic() + within
        try:
            while (code := child.poll()) is None:
                self._wait_a_little(child.pid)
                if self.clock.monotonic() > deadline:
                    raise self._failure(spec, f"{spec.name} took more than {within:g} s.")
        finally:
            child.stop()
        if code != 0:
            raise self._failure(spec, f"{spec.name} exited with {code}.")

    def watch(self) -> None:
        """Restart what crashes until a stop is requested."""
        while not self.wake_up.stop_requested:
            self._tend()
            dues = [kept.due for kept in self._kept if kept.due is not None]
            pause = min(dues) - self.clock.monotonic() if dues else _IDLE_SECONDS
            self.wake_up.wait(min(pause, _IDLE_SECONDS))

    def stop_all(self) -> None:
        """Stop everything, the highest rank first, a rank's processes together."""
        for rank in sorted({kept.spec.rank for kept in self._kept}, reverse=True):
            running = [kept for kept in self._kept if kept.spec.rank == rank and kept.child]
            for kept in running:
                if kept.child is not None:
                    kept.child.request_stop()
            for kept in running:
                if kept.child is not None:
                    kept.last_exit, kept.child = kept.child.stop(), None
        self._tell()

    def _wait_a_little(self, *also_own: int) -> None:
        self.wake_up.wait(_POLL_SECONDS)
        self._tend(also_own)
        if self.wake_up.stop_requested:
            raise StopRequested

    def _tend(self, also_own: Sequence[int] = ()) -> None:
        own = [kept.child.pid for kept in self._kept if kept.child is not None]
        changes = [self._tend_one(kept) for kept in self._kept]
        reap_orphans((*own, *also_own))
        rotate(self.logs)
        if any(changes):
            self._tell()

    def _tend_one(self, kept: _Kept) -> bool:
        now = self.clock.monotonic()
        if kept.child is not None:
            if (code := kept.child.poll()) is None:
                return False
            kept.crashes = self.policy.crashes_in_a_row(kept.crashes, now - kept.started)
            kept.child, kept.born, kept.last_exit = None, None, code
            kept.due = now + self.policy.delay(kept.crashes)
            self.note(f"{kept.spec.name} exited with {code}; again in {kept.due - now:.1f} s")
            return True
        if kept.due is None or now < kept.due:
            return False
        kept.child, kept.due, kept.started = ChildProcess(kept.spec), None, now
        kept.born = birth(kept.child.pid)
        kept.restarts += 1
        return True

    def _failure(self, spec: ProcessSpec, what: str) -> LocalStackError:
        lines = last_lines(spec.log, 1)
        said = f' Its last line is "{lines[0].strip()}".' if lines else ""
        return LocalStackError(what + said, remedy=f"Read {spec.log}.")

    def _tell(self) -> None:
        processes = tuple(
            ProcessStatus(
                name=kept.spec.name,
                pid=kept.child.pid if kept.child else None,
                born=kept.born,
                restarts=kept.restarts,
                last_exit=kept.last_exit,
            )
            for kept in self._kept
        )
        save_status(
            self.status,
            StackStatus(
                supervisor=os.getpid(),
                phase=self._phase,
                message=self._message,
                processes=processes,
            ),
        )
