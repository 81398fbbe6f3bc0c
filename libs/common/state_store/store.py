"""The state store as the application layer sees it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """A family of keys and its policy.

    `consistency` strong reads Postgres every time; cached may be stale for at most `ttl` when an
    invalidation is lost. `memory_items` bounds the memory tier.
    """

    name: str
    consistency: Literal["cached", "strong"] = "cached"
    ttl: timedelta = timedelta(minutes=5)
    memory_items: int = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A stored value. `revision` starts at 1 and rises by 1 with every put or delete."""

    value: bytes
    revision: int


class StateStore(Protocol):
    """Values by key, in three tiers. Every call names its tenant."""

    async def get(self, namespace: Namespace, tenant_id: UUID, key: str) -> Record | None:
        """The value, or None when there is none (a deleted one too)."""
        ...

    async def put(
        self,
        namespace: Namespace,
        tenant_id: UUID,
        key: str,
        value: bytes,
        *,
        expected_revision: int | None = None,
    ) -> int:
        """Write and return the new revision.

        `expected_revision` None writes whatever stands there, 0 only where nothing does; on any
        other mismatch raises RevisionConflict, and nothing is written.
        """
        ...

    async def delete(
        self,
        namespace: Namespace,
        tenant_id: UUID,
        key: str,
        *,
        expected_revision: int | None = None,
    ) -> None:
        """Remove; silent when nothing stands there. Raises RevisionConflict as `put` does."""
        ...
