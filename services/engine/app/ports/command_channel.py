"""Wake-ups for the owners of runs: commands are stored, a channel only says that there are some."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID


class Wakes(Protocol):
    async def next(self, *, timeout: float) -> UUID | None:
        """A run that has commands, None after `timeout` seconds. Raises Busy or Unavailable where
        some may have been missed: whoever listens enters anew, and the sweep finds what they
        would have said."""
        ...


class CommandChannel(Protocol):
    """Heard by whoever listens now; nothing is lost if a wake-up is."""

    async def ring(self, tenant_id: UUID, run_id: UUID) -> None:
        """Tell the run's owner to look for commands. Never raises."""
        ...

    def heard(self, run_id: UUID | None = None) -> AbstractAsyncContextManager[Wakes]:
        """Wake-ups of one run, None: of all, from the moment the context is entered. Entering
        raises Unavailable where the channel is away."""
        ...
