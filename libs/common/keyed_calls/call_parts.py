"""What keyed calls need to know of the calls that they carry, and of the other replicas."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Protocol, TypeVar
from uuid import UUID

from libs.common.errors import NotFound

Part = TypeVar("Part")
Part_co = TypeVar("Part_co", covariant=True)


class CallNotHere(NotFound):
    """This process is not making that call (any more): ask the ledger again."""

    code = "call_not_here"
    title = "The call is not made here"


class PartShape(Protocol[Part]):
    """How the parts of one kind of call look. Exactly the last part of a call is final.

    The final part is what the ledger keeps: it must hold the whole result, because callers that
    come after the end get nothing else.
    """

    def is_final(self, part: Part) -> bool: ...

    def size(self, part: Part) -> int:
        """How many bytes of content it brings."""
        ...

    def encode(self, part: Part) -> bytes: ...

    def decode(self, payload: bytes) -> Part: ...


class Neighbours(Protocol[Part_co]):
    """The other replicas of this service, reached through their own subjects."""

    def attach(
        self,
        holder: UUID,
        tenant_id: UUID,
        key: str,
        claim_number: int,
        *,
        sealed_run: UUID | None = None,
    ) -> AsyncIterator[Part_co]:
        """`KeyedCalls.attach` at `holder`; the parts of a `sealed_run` cross sealed."""
        ...

    async def cancel(
        self, holder: UUID, tenant_id: UUID, run_id: UUID, key: str, epoch: int
    ) -> None:
        """`KeyedCalls.cancel` at `holder`."""
        ...


class GrowingText(Protocol):
    """A copy of a live call's parts outside its process. Best effort: it may drop anything."""

    def add(self, tenant_id: UUID, key: str, claim_number: int, part: bytes) -> None:
        """Take a part for writing later. Never blocks, never raises."""
        ...

    def end(self, tenant_id: UUID, key: str, claim_number: int) -> None:
        """The call has ended: its copy may go soon."""
        ...


async def close_parts(parts: AsyncIterator[Part]) -> None:
    """Close a generator now, and not when the collector finds it."""
    if isinstance(parts, AsyncGenerator):
        await parts.aclose()
