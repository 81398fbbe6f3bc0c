"""The values that conversations keep of their variables."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from services.engine.domain.variables.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptVariable:
    """`run_id` and `seq` name the event that gave it the value; None and 0 where no run did.
    `sealed`: it comes of a run with secrets. Instants are Unix seconds."""

    name: str
    value: Value
    created_at: float
    changed_at: float
    run_id: UUID | None = None
    seq: int = 0
    sealed: bool = False


class ConversationStore(Protocol):
    """Runs change variables through the journal, in the transaction that appends the event. Every
    call raises Unavailable when the store is away."""

    async def variables(self, tenant_id: UUID, conversation_id: UUID) -> list[KeptVariable]:
        """By name. What no master key here opens is left out."""
        ...

    async def change(
        self, tenant_id: UUID, conversation_id: UUID, name: str, value: Value
    ) -> KeptVariable:
        """Give a variable a value that no run gave it. Raises JournalRefused for one that no JSON
        can hold."""
        ...

    async def forget(self, tenant_id: UUID, conversation_id: UUID) -> None:
        """Its variables have no values any more."""
        ...
