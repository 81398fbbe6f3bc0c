"""What the message bus counts."""

from typing import Protocol


class BusMetrics(Protocol):
    """`subject` never names a process. `outcome` is `ok`, `closed` (the reader went away), or the
    stable code of the error."""

    def asked(self, subject: str, outcome: str, seconds: float) -> None:
        """A request or stream of ours has ended."""
        ...

    def served(self, subject: str, outcome: str, seconds: float) -> None:
        """We have answered a request or stream, or handled a durable message."""
        ...

    def buried(self, stream: str, durable: str) -> None:
        """A durable message went to the dead letters."""
        ...


class _NoMetrics:
    def asked(self, subject: str, outcome: str, seconds: float) -> None:
        """Count nothing."""

    def served(self, subject: str, outcome: str, seconds: float) -> None:
        """Count nothing."""

    def buried(self, stream: str, durable: str) -> None:
        """Count nothing."""


NO_BUS_METRICS: BusMetrics = _NoMetrics()
