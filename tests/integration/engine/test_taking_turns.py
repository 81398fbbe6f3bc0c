"""Turns of a conversation one after another, by whole engines that never sweep by themselves."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from libs.common.contracts.run_commands import AbortRun
from libs.common.contracts.run_queries import TurnBefore
from libs.common.identifiers import uuid7
from libs.common.messaging.in_memory_bus import InMemoryBus
from tests.integration.engine.commit_bench import blocked
from tests.support.databases import FreshDatabase
from tests.support.engine_callees import Callees
from tests.support.engine_harness import (
    TENANT,
    Cluster,
    Replica,
    eventually,
    postgres_cluster,
    with_worker,
)
from tests.support.engine_nodes import chain, form

_NO_SWEEP = with_worker(sweep=3600.0)


@pytest.fixture
async def cluster(migrated_database: FreshDatabase, bus: InMemoryBus) -> AsyncIterator[Cluster]:
    async with postgres_cluster(migrated_database, bus) as made:
        yield made


async def _turn(cluster: Cluster, talk: UUID, *nodes: dict[str, Any]) -> UUID:
    asked = await cluster.asked(
        chain(*nodes), conversation_id=talk, takes_turns=True, app_id=UUID(int=5)
    )
    await cluster.replicas[-1].engine.use_cases.accept.execute(asked)
    return asked.run_id


async def _abort(replica: Replica, run_id: UUID) -> None:
    abort = AbortRun(tenant_id=TENANT, run_id=run_id, command_id=uuid7(), reason="enough")
    await replica.engine.use_cases.command.send(abort)


async def test_the_next_turn_begins_when_the_last_one_ends(cluster: Cluster) -> None:
    replica = await cluster.replica(_NO_SWEEP)
    talk = uuid4()
    first = await _turn(cluster, talk, form())
    await cluster.parked(first)
    second, third = [await _turn(cluster, talk, {"type": "pass"}) for _ in range(2)]
    view = await cluster.view(second)
    assert (view.status, view.waits_for) == ("queued", TurnBefore(run_id=first, status="parked"))
    assert replica.engine.worker.under_way() == 0, "who waits has no place"
    (shown,) = await cluster.forms(first)
    await cluster.answer(shown.form_id)
    ends = [await cluster.ended(run_id) for run_id in (first, second, third)]
    assert [end.status for end in ends] == ["succeeded"] * 3
    finished = [end.finished_at for end in ends]
    started = [end.started_at for end in ends]
    assert all(a is not None and b is not None and a <= b
               for a, b in zip(finished, started[1:], strict=False))  # fmt: skip
    assert (await cluster.view(second)).waits_for is None


async def test_one_that_waits_is_stopped_and_has_begun_nothing(
    cluster: Cluster, callees: Callees
) -> None:
    replica = await cluster.replica(_NO_SWEEP)
    talk = uuid4()
    first = await _turn(cluster, talk, form())
    await cluster.parked(first)
    second = await _turn(cluster, talk, {"type": "compute", "code": "a"})
    third = await _turn(cluster, talk, {"type": "pass"})
    await _abort(replica, second)
    assert (await cluster.ended(second)).status == "stopped"
    assert callees.effects == []
    assert (await cluster.view(third)).status == "queued"
    await _abort(replica, first)
    assert (await cluster.ended(third)).status == "succeeded"


async def test_the_turn_of_a_dead_worker_is_taken_over_and_passed_on(
    cluster: Cluster, callees: Callees
) -> None:
    callees.gate.clear()
    dying = await cluster.replica(serve=False)
    talk = uuid4()
    first = await _turn(cluster, talk, {"type": "compute", "code": "a"})
    second = await _turn(cluster, talk, {"type": "pass"})
    await asyncio.wait_for(callees.arrived.wait(), 10)
    await dying.kill()
    await cluster.replica(serve=False)
    callees.gate.set()
    assert (await cluster.ended(second, within=20)).status == "succeeded"
    view = await cluster.ended(first)
    assert (view.status, view.epoch) == ("succeeded", 2)


async def test_an_acceptance_waits_for_an_end_that_is_under_way(
    cluster: Cluster, migrated_database: FreshDatabase
) -> None:
    """Else it would wait behind a run that has ended, for ever."""
    await cluster.replica(_NO_SWEEP)
    talk = uuid4()
    first = await _turn(cluster, talk, form())
    await cluster.parked(first)
    ending = await asyncpg.connect(migrated_database.admin_url)
    try:
        async with asyncio.timeout(20):
            async with ending.transaction():
                await ending.execute(
                    "UPDATE engine.runs SET status = 'stopped' WHERE run_id = $1", first
                )
                await ending.execute("SELECT engine.pass_turns($1, $2)", [TENANT], [talk])
                accepting = asyncio.ensure_future(_turn(cluster, talk, {"type": "pass"}))
                await blocked(ending)
            second = await accepting
    finally:
        await ending.close()
    assert (await cluster.ended(second)).status == "succeeded"


async def test_many_turns_at_once_run_one_at_a_time(cluster: Cluster) -> None:
    replicas = [await cluster.replica(_NO_SWEEP) for _ in range(2)]
    talk = uuid4()
    asked = await cluster.asked(chain({"type": "pass"}))
    turns = [
        asked.model_copy(update={"run_id": uuid7(), "conversation_id": talk, "takes_turns": True})
        for _ in range(12)
    ]
    await asyncio.gather(
        *(
            replicas[place % 2].engine.use_cases.accept.execute(turn)
            for place, turn in enumerate(turns)
        )
    )

    async def all_over() -> bool:
        views = [await cluster.view(turn.run_id) for turn in turns]
        return all(view.status == "succeeded" for view in views)

    await eventually(all_over, within=20)
    views = [await cluster.view(turn.run_id) for turn in turns]
    spans = sorted((view.started_at or 0.0, view.finished_at or 0.0) for view in views)
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(spans))
