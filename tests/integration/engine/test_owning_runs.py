"""Several engines over one Postgres: who owns a run, and what the others may not do to it."""

# Crashes and freezes have no door of their own.
# pyright: reportPrivateUsage=false

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest

from libs.common.contracts.run_commands import AbortRun
from libs.common.contracts.run_events import Committed, CommittedEvent, RunEventMessage
from libs.common.contracts.subjects import run_live
from libs.common.messaging.bus import Listener
from libs.common.messaging.in_memory_bus import InMemoryBus
from services.engine.app.runs.carry_run import Suspicion
from services.engine.domain.events import journal
from tests.support.databases import FreshDatabase
from tests.support.engine_callees import Callees
from tests.support.engine_harness import (
    FAST,
    TENANT,
    Cluster,
    Replica,
    eventually,
    postgres_cluster,
    with_worker,
)
from tests.support.engine_nodes import chain


@pytest.fixture
async def cluster(migrated_database: FreshDatabase, bus: InMemoryBus) -> AsyncIterator[Cluster]:
    async with postgres_cluster(migrated_database, bus) as made:
        yield made


def _owner_epochs(callees: Callees) -> list[int]:
    return [effect.epoch for effect in callees.effects]


async def _arrivals(callees: Callees, count: int) -> None:
    async def arrived() -> bool:
        return len(callees.effects) >= count

    await eventually(arrived)


async def test_a_killed_workers_run_is_taken_over_and_goes_on_where_it_was(
    cluster: Cluster, callees: Callees
) -> None:
    callees.gate.clear()
    callees.hold_code = False
    first = await cluster.replica(serve=False)
    asked = await cluster.asked(
        chain({"type": "compute", "code": "a"}, {"type": "ask", "prompt": "hi"})
    )
    await first.engine.use_cases.accept.execute(asked)
    await _arrivals(callees, 2)
    await first.kill()
    await cluster.replica(serve=False)
    await _arrivals(callees, 3)
    callees.gate.set()
    view = await cluster.ended(asked.run_id)
    keys = [effect.key for effect in callees.effects]
    assert (view.status, view.epoch) == ("succeeded", 2)
    assert keys.count(keys[0]) == 1, "a recorded completion is never asked for again"
    assert keys[1] == keys[2], "a takeover keeps the key"
    assert set(callees.upstream.values()) == {1}


async def test_a_frozen_owner_can_neither_write_nor_publish(
    cluster: Cluster, callees: Callees
) -> None:
    callees.gate.clear()
    frozen = await cluster.replica(serve=False)
    asked = await cluster.asked(chain({"type": "compute", "code": "a"}))
    await frozen.engine.use_cases.accept.execute(asked)
    await asyncio.wait_for(callees.arrived.wait(), 5)
    driver = frozen.engine.worker.driver_of(asked.run_id)
    assert driver is not None
    await _freeze(frozen)
    other = await cluster.replica(serve=False)
    await _arrivals(callees, 2)
    assert _owner_epochs(callees) == [1, 2]
    async with cluster.bus.listen(run_live(TENANT, asked.run_id)) as listener:
        callees.gate.set()
        view = await cluster.ended(asked.run_id)
        live = await _drained(listener)
    seqs = [event.seq for event in live]
    assert view.status == "succeeded"
    assert len(seqs) == len(set(seqs)), "only one owner published"

    async def stopped() -> bool:
        return frozen.engine.worker.driver_of(asked.run_id) is None

    await eventually(stopped)
    assert other.engine.worker.room() == FAST.worker.capacity


async def _freeze(replica: Replica) -> None:
    """Stop its heartbeat and let the store's lease run out, while the worker believes in it."""
    replica.engine.worker._tasks[0].cancel()
    replica.engine.worker._lease._safe_until = float("inf")
    await replica.expire()


async def _drained(listener: Listener[RunEventMessage]) -> list[CommittedEvent]:
    found: list[CommittedEvent] = []
    while (message := await listener.next(timeout=0.2)) is not None:
        found.extend(event for event in message.events if isinstance(event, Committed))
    return found


async def test_a_lost_run_stops_alone(cluster: Cluster, callees: Callees) -> None:
    callees.gate.clear()
    worker = await cluster.replica(serve=False)
    definition = chain({"type": "compute", "code": "a"})
    lost, kept = await cluster.asked(definition), await cluster.asked(definition)
    for each in (lost, kept):
        await worker.engine.use_cases.accept.execute(each)
    await _arrivals(callees, 2)
    driver = worker.engine.worker.driver_of(lost.run_id)
    assert driver is not None
    assert await worker.stores.runs.set_aside(
        worker.worker_id, driver.claim, "quarantined", "taken away"
    )
    callees.gate.set()
    assert (await cluster.ended(kept.run_id)).status == "succeeded"
    assert (await cluster.view(lost.run_id)).status == "quarantined"
    kinds = [type(entry.event) for entry in await cluster.journal(lost.run_id)]
    assert journal.EffectCompleted not in kinds


async def test_a_worker_that_cannot_renew_stops_its_runs_and_gets_them_back(
    cluster: Cluster, callees: Callees
) -> None:
    callees.gate.clear()
    worker = await cluster.replica(serve=False)
    asked = await cluster.asked(chain({"type": "compute", "code": "a"}))
    await worker.engine.use_cases.accept.execute(asked)
    await asyncio.wait_for(callees.arrived.wait(), 5)
    worker.engine.worker._lapse()
    assert worker.engine.worker.driver_of(asked.run_id) is None
    await _arrivals(callees, 2)
    callees.gate.set()
    view = await cluster.ended(asked.run_id)
    assert (view.status, view.epoch) == ("succeeded", 2)


async def test_a_shutdown_hands_runs_back_without_blaming_them(
    cluster: Cluster, callees: Callees
) -> None:
    callees.gate.clear()
    first = await cluster.replica(serve=False)
    asked = await cluster.asked(chain({"type": "compute", "code": "a"}))
    await first.engine.use_cases.accept.execute(asked)
    await asyncio.wait_for(callees.arrived.wait(), 5)
    await first.engine.worker.stop()
    assert (await cluster.view(asked.run_id)).status == "queued"
    second = await cluster.replica(serve=False)
    await _arrivals(callees, 2)
    driver = second.engine.worker.driver_of(asked.run_id)
    assert driver is not None
    assert driver.claim.takeovers == 0
    callees.gate.set()
    assert (await cluster.ended(asked.run_id)).status == "succeeded"


async def test_a_run_that_kills_its_workers_is_quarantined(
    cluster: Cluster, callees: Callees
) -> None:
    callees.gate.clear()
    options = replace(FAST, suspicion=Suspicion(quarantine_after=1))
    asked = None
    for turn in range(1, 4):
        replica = await cluster.replica(options, serve=False)
        if asked is None:
            asked = await cluster.asked(chain({"type": "compute", "code": "a"}))
            await replica.engine.use_cases.accept.execute(asked)
        if turn < 3:
            await _arrivals(callees, turn)
            await replica.kill()
            await replica.expire()
    assert asked is not None
    view = await cluster.ended(asked.run_id)
    assert view.status == "quarantined"
    assert "2 workers died" in (view.error or "")


async def test_a_lost_doorbell_is_replaced_by_the_sweep(cluster: Cluster) -> None:
    worker = await cluster.replica(serve=False)
    asked = await cluster.asked(chain({"type": "pass"}))
    await worker.stores.runs.accept(asked, worker=None)
    assert (await cluster.ended(asked.run_id)).status == "succeeded"


async def test_a_lost_wake_up_is_replaced_by_the_sweep(cluster: Cluster, callees: Callees) -> None:
    callees.gate.clear()
    worker = await cluster.replica(serve=False)
    asked = await cluster.asked(chain({"type": "compute", "code": "a"}))
    await worker.engine.use_cases.accept.execute(asked)
    await asyncio.wait_for(callees.arrived.wait(), 5)
    command = AbortRun(tenant_id=TENANT, run_id=asked.run_id, command_id=uuid4())
    await worker.stores.commands.add(command)
    assert (await cluster.ended(asked.run_id)).status == "stopped"


async def test_a_run_aborted_while_queued_sends_nothing(cluster: Cluster, callees: Callees) -> None:
    worker = await cluster.replica(with_worker(capacity=0), serve=False)
    asked = await cluster.asked(chain({"type": "compute", "code": "a"}))
    await worker.engine.use_cases.accept.execute(asked)
    command = AbortRun(tenant_id=TENANT, run_id=asked.run_id, command_id=uuid4())
    await worker.stores.commands.add(command)
    await cluster.replica(serve=False)
    assert (await cluster.ended(asked.run_id)).status == "stopped"
    assert callees.effects == []


async def test_picking_is_fair_between_apps(cluster: Cluster, callees: Callees) -> None:
    callees.gate.clear()
    worker = await cluster.replica(with_worker(capacity=0), serve=False)
    definition = chain({"type": "compute", "code": "a"})
    crowd, loner = uuid4(), uuid4()
    for _ in range(10):
        asked = await cluster.asked(definition, app_id=crowd)
        await worker.engine.use_cases.accept.execute(asked)
    last = await cluster.asked(definition, app_id=loner)
    await worker.engine.use_cases.accept.execute(last)
    picker = await cluster.replica(with_worker(capacity=2), serve=False)
    await _arrivals(callees, 2)
    assert picker.engine.worker.driver_of(last.run_id) is not None
    assert picker.engine.worker.room() == 0


async def test_many_runs_share_their_commits(cluster: Cluster) -> None:
    worker = await cluster.replica(serve=False)
    asked = [
        await cluster.asked(chain(*({"type": "nap", "seconds": 0.01} for _ in range(5))))
        for _ in range(40)
    ]
    await asyncio.gather(*(worker.engine.use_cases.accept.execute(each) for each in asked))
    for each in asked:
        assert (await cluster.ended(each.run_id)).status == "succeeded"


async def test_events_of_an_owner_that_died_before_publishing_can_be_read(
    cluster: Cluster,
) -> None:
    worker = await cluster.replica(serve=False)
    worker.engine.publisher._waiting.clear()
    for task in worker.tasks[1:]:
        task.cancel()
    asked = await cluster.asked(chain({"type": "pass"}))
    async with cluster.bus.listen(run_live(TENANT, asked.run_id)) as listener:
        await worker.engine.use_cases.accept.execute(asked)
        await cluster.ended(asked.run_id)
        assert await listener.next(timeout=0.05) is None
    events = await cluster.events(asked.run_id)
    assert [event.prev for event in events] == [0, *(event.seq for event in events[:-1])]
    assert events[-1].kind == "run_finished"
