"""What every implementation of SnapshotStore must do: one suite, in memory and Postgres."""

from collections.abc import AsyncIterator
from random import Random
from uuid import UUID, uuid4

import pytest

from services.engine.app.ports.journal_store import Verdict
from services.engine.app.ports.run_store import Claim
from services.engine.app.runs.run_outcome import run_ended
from services.engine.app.runs.run_started import run_started
from services.engine.domain.events.journal import RunFinished
from services.engine.domain.execution.public_events import PublicView
from services.engine.domain.execution.run_machine import RunMachine
from services.engine.domain.execution.run_snapshot import RunSnapshot
from services.engine.infra import snapshot_codec
from tests.support.engine_stores import (
    DEFINITION,
    HASH,
    EngineStores,
    in_memory_stores,
    postgres_stores,
    request,
)
from tests.unit.engine.execution.random_graphs import random_graph

TENANT = UUID("00000000-0000-7000-8000-000000000001")


@pytest.fixture(params=["memory", "postgres"])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[EngineStores]:
    if request.param == "memory":
        async with in_memory_stores() as made:
            yield await _prepared(made)
    else:
        async with postgres_stores(request.getfixturevalue("migrated_database")) as made:
            yield await _prepared(made)


async def _prepared(stores: EngineStores) -> EngineStores:
    await stores.workflows.put(TENANT, HASH, DEFINITION)
    for worker in stores.workers:
        await stores.leases.beat(worker, seconds=30.0)
    return stores


async def _claimed(stores: EngineStores) -> Claim:
    accepted = await stores.runs.accept(request(TENANT), worker=stores.workers[0])
    assert accepted.claim is not None
    return accepted.claim


async def _taken_over(stores: EngineStores) -> Claim:
    await stores.leases.beat(stores.workers[0], seconds=-1.0)
    (claim,) = await stores.runs.claim_orphaned(stores.workers[1], driven=None, most=1)
    return claim


def _snapshot(claim: Claim, seq: int, *, said: str = "") -> RunSnapshot:
    compiled = random_graph(Random(1), fatal=False).compiled()
    machine = RunMachine(compiled, tenant_id=TENANT, run_id=claim.run_id)
    machine.fold(run_started(claim.request, now=1.0))
    machine.state.pool.put("a", "text", said)
    view = PublicView(claim.run_id, {})
    return RunSnapshot(seq=seq, machine=machine.snapshot(), view=view.snapshot())


async def test_one_that_is_kept_is_found_again(stores: EngineStores) -> None:
    claim = await _claimed(stores)
    assert await stores.snapshots.newest(TENANT, claim.run_id) is None
    kept = _snapshot(claim, 7, said="a\0b")
    size = await stores.snapshots.keep(claim, kept)
    encoded = snapshot_codec.encode_snapshot(kept)
    assert encoded is not None
    assert size == len(encoded)
    assert await stores.snapshots.newest(TENANT, claim.run_id) == kept


async def test_it_is_found_only_where_it_is_not_too_new(stores: EngineStores) -> None:
    claim = await _claimed(stores)
    await stores.snapshots.keep(claim, _snapshot(claim, 7))
    assert await stores.snapshots.newest(TENANT, claim.run_id, at_most=6) is None
    found = await stores.snapshots.newest(TENANT, claim.run_id, at_most=7)
    assert found is not None
    assert found.seq == 7


async def test_it_is_nobody_elses(stores: EngineStores) -> None:
    claim, other = await _claimed(stores), await _claimed(stores)
    await stores.snapshots.keep(claim, _snapshot(claim, 7))
    assert await stores.snapshots.newest(uuid4(), claim.run_id) is None
    assert await stores.snapshots.newest(TENANT, other.run_id) is None


async def test_the_newest_takes_the_others_place(stores: EngineStores) -> None:
    claim = await _claimed(stores)
    for seq in (3, 9, 5):
        await stores.snapshots.keep(claim, _snapshot(claim, seq))
    found = await stores.snapshots.newest(TENANT, claim.run_id)
    assert found is not None
    assert found.seq == 9
    assert await stores.snapshots.newest(TENANT, claim.run_id, at_most=8) is None


async def test_a_stale_owners_is_not_kept(stores: EngineStores) -> None:
    claim = await _claimed(stores)
    await stores.snapshots.keep(claim, _snapshot(claim, 3))
    owner = await _taken_over(stores)
    await stores.snapshots.keep(claim, _snapshot(claim, 9))
    found = await stores.snapshots.newest(TENANT, claim.run_id)
    assert found is not None
    assert found.seq == 3
    await stores.snapshots.keep(owner, _snapshot(claim, 5))
    await stores.snapshots.keep(claim, _snapshot(claim, 9))
    found = await stores.snapshots.newest(TENANT, claim.run_id)
    assert found is not None
    assert found.seq == 5


async def test_a_run_that_was_handed_back_gets_none(stores: EngineStores) -> None:
    claim = await _claimed(stores)
    await stores.runs.release(stores.workers[0], [claim])
    await stores.snapshots.keep(claim, _snapshot(claim, 3))
    assert await stores.snapshots.newest(TENANT, claim.run_id) is None


async def test_the_end_takes_it_along_and_leaves_the_others(stores: EngineStores) -> None:
    ends, goes_on = await _claimed(stores), await _claimed(stores)
    for claim in (ends, goes_on):
        await stores.snapshots.keep(claim, _snapshot(claim, 1))
    assert await _end(stores, ends) is Verdict.TAKEN
    await stores.snapshots.keep(ends, _snapshot(ends, 2))
    assert await stores.snapshots.newest(TENANT, ends.run_id) is None
    assert await stores.snapshots.newest(TENANT, goes_on.run_id) is not None


async def test_an_end_that_is_not_the_owners_takes_none_along(stores: EngineStores) -> None:
    stale = await _claimed(stores)
    owner = await _taken_over(stores)
    await stores.snapshots.keep(owner, _snapshot(owner, 1))
    assert await _end(stores, stale) is Verdict.LOST
    assert await stores.snapshots.newest(TENANT, owner.run_id) is not None


async def test_one_above_the_bound_is_not_kept(
    stores: EngineStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = await _claimed(stores)
    monkeypatch.setattr(snapshot_codec, "MAX_SNAPSHOT_BYTES", 10_000)
    large = _snapshot(claim, 3, said="x" * 10_000)
    assert await stores.snapshots.keep(claim, large) == 10_000
    assert await stores.snapshots.newest(TENANT, claim.run_id) is None


async def _end(stores: EngineStores, claim: Claim) -> Verdict:
    finished = RunFinished(
        at=2.0,
        status="succeeded",
        outputs={},
        error=None,
        total_tokens=0,
        total_steps=0,
        exceptions_count=0,
        usage={},
    )
    ending = run_ended(claim, finished, error=None, started_at=1.0, answer="", open_keys=())
    started = run_started(claim.request, now=1.0)
    return await stores.write(claim, 1, [started, finished], ending=ending)
