"""What the supervisor saw of one execution, before it is judged."""

import signal
from dataclasses import dataclass
from typing import Literal, TypeAlias

Overflow: TypeAlias = Literal["wall", "output", "result"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEnd:
    """How the sandboxed process ended: exactly one of `exit_code` and `signal` is set."""

    exit_code: int | None = None
    signal: int | None = None
    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0

    @classmethod
    def of_wait_status(cls, status: int, *, cpu_seconds: float, peak: int) -> "ProcessEnd":
        """From the status word of wait4(2)."""
        killed = status & 0x7F
        return cls(
            exit_code=None if killed else status >> 8,
            signal=killed or None,
            cpu_seconds=cpu_seconds,
            peak_memory_bytes=peak,
        )

    @property
    def signal_name(self) -> str:
        """SIGKILL and the like; "" when the process exited by itself."""
        if self.signal is None:
            return ""
        try:
            return signal.Signals(self.signal).name
        except ValueError:
            return f"signal {self.signal}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Everything seen of one execution. `report` is untrusted: the user's code may write it too.

    `overflow` is the limit at which the supervisor itself stopped the execution.
    """

    end: ProcessEnd
    report: bytes
    stdout: bytes
    stderr: bytes
    wall_seconds: float
    overflow: Overflow | None = None
