"""Signals as something one can wait for."""

import select
import signal
import socket
from types import FrameType

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class WakeUp:
    """Ends a wait when a child exits or a stop is asked for. Main thread only; one a process."""

    def __init__(self) -> None:
        self.stop_requested = False
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def install(self) -> None:
        """Take over SIGCHLD and the stop signals."""
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _ignore)
        for number in _STOP_SIGNALS:
            signal.signal(number, self._on_stop)

    def wait(self, seconds: float) -> None:
        """Return after `seconds` or at the next signal; at once when one came since the last."""
        ready, _, _ = select.select([self._reader], [], [], max(seconds, 0.0))
        if ready:
            self._reader.recv(4096)

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.stop_requested = True


def _ignore(number: int, frame: FrameType | None) -> None:
    # A handler must exist: an ignored SIGCHLD would not wake us and loses exit codes.
    del number, frame
