"""Runs that runs call: one suite, in memory and over Postgres."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID, uuid4, uuid5

import pytest

from libs.common.contracts.child_runs import ChildOutcome, ParentRun
from libs.common.contracts.run_commands import AbortRun, ChildAccepted, ChildFinished, RunCommand
from libs.common.contracts.run_queries import RunsQuery
from libs.common.identifiers import uuid7_of
from services.engine.app.errors import RunUnknown
from services.engine.app.ports.journal_store import Append, Verdict
from services.engine.app.ports.parking_store import Parked
from services.engine.app.ports.run_store import Claim
from services.engine.app.runs.run_started import run_started
from tests.support.engine_stores import (
    DEFINITION,
    HASH,
    EngineStores,
    finish,
    in_memory_stores,
    postgres_stores,
    request,
)

TENANT = UUID("00000000-0000-7000-8000-000000000001")


@pytest.fixture(params=["memory", "postgres"])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[EngineStores]:
    if request.param == "memory":
        async with in_memory_stores() as made:
            await _prepared(made)
            yield made
    else:
        async with postgres_stores(request.getfixturevalue("migrated_database")) as made:
            await _prepared(made)
            yield made


async def _prepared(stores: EngineStores) -> None:
    await stores.workflows.put(TENANT, HASH, DEFINITION)
    for worker in stores.workers:
        await stores.leases.beat(worker, seconds=30.0)


async def _claimed(stores: EngineStores) -> Claim:
    accepted = await stores.runs.accept(request(TENANT), worker=stores.workers[0])
    assert accepted.claim is not None
    return accepted.claim


def _child(parent: Claim, name: str = "k") -> ChildAccepted:
    acceptance = request(TENANT).model_copy(
        update={
            "run_id": uuid7_of(parent.run_id, name),
            "parent": ParentRun(run_id=parent.run_id, node_id="n", key=name, depth=1),
        }
    )
    return ChildAccepted(version_id=uuid4(), acceptance=acceptance)


def _finished(parent: Claim, child: ChildAccepted) -> ChildFinished:
    child_id = child.acceptance.run_id
    outcome = ChildOutcome(run_id=child_id, status="succeeded", outputs={"x": "\0"})
    return ChildFinished(
        tenant_id=TENANT,
        run_id=parent.run_id,
        command_id=uuid5(child_id, "ended"),
        key="k",
        outcome=outcome,
    )


async def _tell(stores: EngineStores, claim: Claim, seq: int, *told: RunCommand) -> Verdict:
    """Have the run's owner append an event that comes with these commands."""
    settled: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
    append = Append(
        tenant_id=TENANT,
        run_id=claim.run_id,
        epoch=claim.epoch,
        first_seq=seq,
        settled=lambda _append, verdict, _reason: settled.set_result(verdict),
        events=[run_started(claim.request, now=1.0)],
        told=[*told],
    )
    stores.writers[0].submit(append)
    async with asyncio.timeout(5):
        return await settled


async def _status(stores: EngineStores, run_id: UUID) -> str:
    return (await stores.runs.find(TENANT, run_id)).status


async def test_a_child_is_accepted_once_and_waits_in_the_queue(stores: EngineStores) -> None:
    parent = await _claimed(stores)
    child = _child(parent)
    first = await stores.runs.accept_child(parent, child)
    second = await stores.runs.accept_child(parent, child)
    assert first is not None
    assert second is not None
    assert (first.status, first.already_known, second.already_known) == ("queued", False, True)
    (line,) = await stores.runs.summaries(
        RunsQuery(tenant_id=TENANT, run_ids=(child.acceptance.run_id,))
    )
    assert line.parent_run_id == parent.run_id


async def test_only_the_owner_of_the_caller_calls(stores: EngineStores) -> None:
    parent = await _claimed(stores)
    older = replace(parent, epoch=parent.epoch - 1)
    assert await stores.runs.accept_child(older, _child(parent)) is None
    await finish(stores, parent)
    assert await stores.runs.accept_child(parent, _child(parent)) is None
    with pytest.raises(RunUnknown):
        await stores.runs.find(TENANT, _child(parent).acceptance.run_id)


async def test_an_end_wakes_the_caller_in_the_same_commit(stores: EngineStores) -> None:
    parent = await _claimed(stores)
    child = _child(parent)
    await stores.runs.accept_child(parent, child)
    assert await stores.parking.park(stores.workers[0], parent, (), ()) is Parked.PARKED
    other = await _claimed(stores)
    told = _finished(parent, child)
    assert await _tell(stores, other, 1, told) is Verdict.TAKEN
    assert await _status(stores, parent.run_id) == "queued"
    assert await stores.commands.undrained(TENANT, parent.run_id) == [told]


async def test_what_is_lost_tells_nobody_anything(stores: EngineStores) -> None:
    parent, other = await _claimed(stores), await _claimed(stores)
    stale = replace(other, epoch=other.epoch - 1)
    child = _child(parent)
    assert await _tell(stores, stale, 1, _finished(parent, child)) is Verdict.LOST
    assert await stores.commands.undrained(TENANT, parent.run_id) == []


async def test_a_command_is_told_once_and_to_no_run_that_is_over_or_was_never_there(
    stores: EngineStores,
) -> None:
    parent, over, other = [await _claimed(stores) for _ in range(3)]
    await finish(stores, over)
    told = _finished(parent, _child(parent))
    aborts = [
        AbortRun(tenant_id=TENANT, run_id=run_id, command_id=uuid4())
        for run_id in (over.run_id, uuid7_of(parent.run_id, "never"))
    ]
    assert await _tell(stores, other, 1, told, *aborts) is Verdict.TAKEN
    await stores.commands.drained(TENANT, parent.run_id, [told.command_id])
    assert await _tell(stores, other, 2, told) is Verdict.TAKEN
    assert await stores.commands.undrained(TENANT, parent.run_id) == []
    assert await stores.commands.undrained(TENANT, over.run_id) == []


async def test_another_tenant_s_run_is_no_caller(stores: EngineStores) -> None:
    parent = await _claimed(stores)
    child = _child(parent)
    theirs = child.acceptance.model_copy(update={"tenant_id": uuid4()})
    fact = child.model_copy(update={"acceptance": theirs})
    stranger = replace(parent, request=parent.request.model_copy(update={"tenant_id": uuid4()}))
    assert await stores.runs.accept_child(stranger, fact) is None
