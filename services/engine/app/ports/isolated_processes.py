"""Processes that carry one run each."""

from typing import Protocol
from uuid import UUID

from services.engine.app.ports.run_store import Claim


class IsolatedProcess(Protocol):
    def leave(self) -> None:
        """Ask it to stop driving and end; again is harmless."""
        ...

    def kill(self) -> None:
        """End it at once; harmless when it has ended."""
        ...

    async def gone(self) -> str | None:
        """Wait for its end. None when it left in good order, else how it died, for people."""
        ...


class IsolatedProcesses(Protocol):
    async def start(self, worker: UUID, claim: Claim) -> IsolatedProcess:
        """A process that carries `claim` as the incarnation `worker`, which owns it already.

        It ends when the run has, when asked to, and when the process that started it dies. Raises
        Unavailable when there can be no more processes now.
        """
        ...
