"""What the tiers of the state store have in common."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from libs.common.errors import Conflict
from libs.common.state_store.store import Namespace, Record


class RevisionConflict(Conflict):
    """The value was changed since it was read; nothing was written."""

    code = "revision_conflict"
    title = "Someone else changed it first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a value stands."""

    namespace: Namespace
    tenant_id: UUID
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What stands at a place. `value` None: nothing, deleted at `revision`, or never there (0)."""

    revision: int
    value: bytes | None

    def record(self) -> Record | None:
        return None if self.value is None else Record(value=self.value, revision=self.revision)


NEVER_THERE = Version(revision=0, value=None)


class CacheTier(Protocol):
    """A tier that may forget at any time, and never goes back behind what it was offered."""

    async def get(self, place: Place) -> Version | None:
        """None: this tier does not know. Raises Unavailable."""
        ...

    async def offer(self, place: Place, version: Version) -> None:
        """Keep `version` unless a newer one is known; for at most the namespace's TTL."""
        ...


class LastTier(Protocol):
    """The tier that holds the truth."""

    async def read(self, place: Place) -> Version: ...

    async def write(self, place: Place, value: bytes | None, expected: int | None) -> int:
        """Write, or delete with None; the new revision, 0 when there was nothing to delete.

        `expected` None writes whatever stands there, 0 only where nothing does. Raises
        RevisionConflict.
        """
        ...


def conflict(place: Place, standing: int) -> RevisionConflict:
    return RevisionConflict(
        f"{place.namespace.name}/{place.key} is at revision {standing}.",
        extra={"revision": standing},
    )
