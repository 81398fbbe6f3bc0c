"""What every caching tier and every last tier does."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from libs.common.identifiers import uuid7
from libs.common.state_store.store import Namespace
from libs.common.state_store.tiers import (
    NEVER_THERE,
    CacheTier,
    LastTier,
    Place,
    RevisionConflict,
    Version,
)
from tests.support.settled import settled

_SPACE = Namespace(name="things")


def _place(key: str = "a", tenant_id: UUID | None = None, space: Namespace = _SPACE) -> Place:
    return Place(namespace=space, tenant_id=tenant_id or uuid7(), key=key)


async def test_a_tier_gives_what_it_was_offered(cache_tier: CacheTier) -> None:
    place = _place()
    assert await cache_tier.get(place) is None
    version = Version(revision=3, value=b"\x00\xff")
    await cache_tier.offer(place, version)
    assert await cache_tier.get(place) == version
    assert await cache_tier.get(_place(tenant_id=uuid7())) is None


async def test_an_older_version_never_replaces_a_newer_one(cache_tier: CacheTier) -> None:
    place = _place()
    await cache_tier.offer(place, Version(revision=2, value=b"new"))
    await cache_tier.offer(place, Version(revision=1, value=b"old"))
    assert await cache_tier.get(place) == Version(revision=2, value=b"new")


async def test_a_tombstone_stands_against_older_values(cache_tier: CacheTier) -> None:
    place = _place()
    await cache_tier.offer(place, Version(revision=1, value=b"old"))
    await cache_tier.offer(place, Version(revision=2, value=None))
    await cache_tier.offer(place, Version(revision=1, value=b"old"))
    assert await cache_tier.get(place) == Version(revision=2, value=None)


async def test_an_empty_value_is_a_value(cache_tier: CacheTier) -> None:
    place = _place()
    await cache_tier.offer(place, Version(revision=1, value=b""))
    assert await cache_tier.get(place) == Version(revision=1, value=b"")


async def test_that_nothing_is_there_can_be_known_too(cache_tier: CacheTier) -> None:
    place = _place()
    await cache_tier.offer(place, NEVER_THERE)
    assert await cache_tier.get(place) == NEVER_THERE
    await cache_tier.offer(place, Version(revision=1, value=b"x"))
    assert await cache_tier.get(place) == Version(revision=1, value=b"x")


async def test_a_copy_goes_after_its_time(cache_tier: CacheTier) -> None:
    place = _place(space=Namespace(name="short", ttl=timedelta(milliseconds=30)))
    await cache_tier.offer(place, Version(revision=1, value=b"x"))

    async def gone() -> bool:
        return await cache_tier.get(place) is None

    await settled(gone)


async def test_revisions_rise_and_deleting_counts(last_tier: LastTier) -> None:
    place = _place()
    assert await last_tier.read(place) == NEVER_THERE
    assert await last_tier.write(place, None, None) == 0
    assert await last_tier.write(place, b"one", None) == 1
    assert await last_tier.write(place, b"two", None) == 2
    assert await last_tier.write(place, None, None) == 3
    assert await last_tier.read(place) == Version(revision=3, value=None)
    assert await last_tier.write(place, b"four", 0) == 4


async def test_a_write_behind_the_standing_revision_is_refused(last_tier: LastTier) -> None:
    place = _place()
    await last_tier.write(place, b"one", 0)
    for expected, value in ((0, b"x"), (2, b"x"), (0, None), (7, None)):
        with pytest.raises(RevisionConflict):
            await last_tier.write(place, value, expected)
    assert await last_tier.write(place, b"two", 1) == 2
    assert await last_tier.read(place) == Version(revision=2, value=b"two")


async def test_one_of_many_writers_of_one_revision_wins(last_tier: LastTier) -> None:
    place = _place()
    outcomes = await asyncio.gather(
        *(last_tier.write(place, bytes([number]), 0) for number in range(8)),
        return_exceptions=True,
    )
    assert outcomes.count(1) == 1
    assert sum(isinstance(outcome, RevisionConflict) for outcome in outcomes) == 7
