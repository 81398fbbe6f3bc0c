"""One supervisor a state folder."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.layout import Layout
from deploy.local.private_file import write_private


class AlreadyHeld(Exception):
    """Another living process holds the lock."""


class SupervisorLock:
    """Held for as long as its process lives: the kernel lets go of it, whatever kills us.

    The pid file beside it is for people; only the lock decides.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._handle: int | None = None

    def __enter__(self) -> Self:
        """Raises AlreadyHeld."""
        self._handle = _try_lock(self._layout.supervisor_lock)
        if self._handle is None:
            raise AlreadyHeld
        write_private(self._layout.supervisor_pid, f"{os.getpid()}\n")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._layout.supervisor_pid.unlink(missing_ok=True)
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def supervisor_pid(layout: Layout) -> int | None:
    """The pid of the living supervisor, None when there is none. A stale pid file is ignored."""
    if not layout.supervisor_lock.exists():
        return None
    handle = _try_lock(layout.supervisor_lock)
    if handle is not None:
        # A killed one's pid must not pass for the next holder's before that has written its own.
        layout.supervisor_pid.unlink(missing_ok=True)
        os.close(handle)
        return None
    try:
        return int(layout.supervisor_pid.read_text())
    except (FileNotFoundError, ValueError):
        return None


def _try_lock(path: Path) -> int | None:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle
