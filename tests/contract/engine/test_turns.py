"""Runs of one conversation that go one after another, in both stores."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from libs.common.contracts.run_commands import AbortRun, AcceptRun
from libs.common.contracts.run_queries import TurnBefore
from libs.common.identifiers import uuid7
from services.engine.app.ports.parking_store import Parked
from services.engine.app.ports.run_store import FIRST_GROUP, Claim
from services.engine.app.runs.run_started import run_started
from tests.support.databases import FreshDatabase
from tests.support.engine_harness import TENANT
from tests.support.engine_stores import (
    DEFINITION,
    HASH,
    EngineStores,
    finish,
    in_memory_stores,
    postgres_stores,
    request,
)


@pytest.fixture(params=["memory", "postgres"])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[EngineStores]:
    if request.param == "memory":
        made = in_memory_stores()
    else:
        database: FreshDatabase = request.getfixturevalue("migrated_database")
        made = postgres_stores(database)
    async with made as found:
        await found.workflows.put(TENANT, HASH, DEFINITION)
        for worker in found.workers:
            await found.leases.beat(worker, seconds=60.0)
        yield found


def _turn(conversation: UUID) -> AcceptRun:
    return request(TENANT).model_copy(update={"conversation_id": conversation, "takes_turns": True})


async def _three(stores: EngineStores) -> tuple[Claim, AcceptRun, AcceptRun]:
    """The first has its turn, the others wait."""
    talk = uuid4()
    turns = [_turn(talk) for _ in range(3)]
    accepted = [await stores.runs.accept(turn, worker=stores.workers[0]) for turn in turns]
    assert [each.status for each in accepted] == ["running", "queued", "queued"]
    assert accepted[0].claim is not None
    return accepted[0].claim, turns[1], turns[2]


async def _claimed(stores: EngineStores) -> list[Claim]:
    groups = await stores.runs.queued_groups(after=FIRST_GROUP, most=9)
    return await stores.runs.claim_queued(stores.workers[0], groups)


async def test_runs_of_a_conversation_go_in_the_order_of_their_acceptance(
    stores: EngineStores,
) -> None:
    first, second, third = await _three(stores)
    assert await _claimed(stores) == []
    await finish(stores, first)
    (claim,) = await _claimed(stores)
    assert claim.run_id == second.run_id
    assert await _claimed(stores) == []
    await finish(stores, claim)
    (claim,) = await _claimed(stores)
    assert claim.run_id == third.run_id


async def test_others_do_not_wait(stores: EngineStores) -> None:
    await _three(stores)
    for other in (_turn(uuid4()), request(TENANT)):
        assert (await stores.runs.accept(other, worker=stores.workers[0])).claim is not None


async def test_a_parked_run_keeps_its_turn_and_the_next_says_so(stores: EngineStores) -> None:
    first, second, _ = await _three(stores)
    await stores.write(first, 1, [run_started(first.request, now=1.0)])
    assert await stores.parking.park(stores.workers[0], first, [], []) is Parked.PARKED
    assert await _claimed(stores) == []
    found = await stores.runs.find(TENANT, second.run_id)
    assert found.waits_for == TurnBefore(run_id=first.run_id, status="parked")
    assert (await stores.runs.find(TENANT, first.run_id)).waits_for is None


async def test_a_run_set_aside_keeps_its_turn(stores: EngineStores) -> None:
    first, _, _ = await _three(stores)
    assert await stores.runs.set_aside(stores.workers[0], first, "quarantined", "")
    assert await _claimed(stores) == []


async def test_one_that_waits_can_be_stopped_and_takes_no_turn(stores: EngineStores) -> None:
    first, second, third = await _three(stores)
    abort = AbortRun(tenant_id=TENANT, run_id=second.run_id, command_id=uuid7(), reason="")
    assert (await stores.commands.add(abort)).status == "queued"
    (claim,) = await _claimed(stores)
    assert claim.run_id == second.run_id
    await finish(stores, claim)
    assert await _claimed(stores) == [], "the first has its turn still"
    await finish(stores, first)
    (claim,) = await _claimed(stores)
    assert claim.run_id == third.run_id


async def test_a_turn_that_was_handed_back_is_still_a_turn(stores: EngineStores) -> None:
    first, _, _ = await _three(stores)
    assert await stores.runs.release(stores.workers[0], [first]) == 1
    (claim,) = await _claimed(stores)
    assert claim.run_id == first.run_id
    assert await _claimed(stores) == []


async def test_a_dead_workers_turn_is_taken_over_and_then_passed_on(stores: EngineStores) -> None:
    first, second, _ = await _three(stores)
    await stores.leases.beat(stores.workers[0], seconds=-1.0)
    (claim,) = await stores.runs.claim_orphaned(stores.workers[1], driven=None, most=9)
    assert (claim.run_id, claim.epoch) == (first.run_id, 2)
    await stores.leases.beat(stores.workers[0], seconds=60.0)
    await stores.runs.release(stores.workers[1], [claim])
    (claim,) = await _claimed(stores)
    await finish(stores, claim)
    (claim,) = await _claimed(stores)
    assert claim.run_id == second.run_id
