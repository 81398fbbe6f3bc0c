"""One engine, its stores in memory: what a run does and what the world sees of it."""

# A lapse has no door of its own.
# pyright: reportPrivateUsage=false

import asyncio
from uuid import uuid4

from libs.common.contracts.run_commands import AbortRun
from libs.common.contracts.run_queries import TraceQuery
from libs.common.contracts.subjects import run_live
from libs.common.errors import Unavailable, UpstreamError
from services.engine.domain.events import journal
from services.engine.domain.variables.record import changed
from services.engine.infra.in_memory.journal_store import InMemoryJournal
from tests.support.engine_callees import Callees
from tests.support.engine_harness import (
    TENANT,
    Cluster,
    eventually,
    heard,
)
from tests.support.engine_nodes import chain


async def test_a_run_of_pure_nodes_ends_with_its_outputs(cluster: Cluster) -> None:
    asked = await cluster.asked(chain({"type": "pass"}, {"type": "pass"}))
    accepted = await cluster.replicas[0].engine.use_cases.accept.execute(asked)
    view = await cluster.ended(asked.run_id)
    assert (accepted.status, view.status, view.epoch) == ("running", "succeeded", 1)
    assert view.total_steps == 3


async def test_public_events_name_their_predecessors_without_a_gap(cluster: Cluster) -> None:
    asked = await cluster.asked(chain({"type": "nap", "seconds": 0.01}, {"type": "pass"}))
    async with cluster.bus.listen(run_live(TENANT, asked.run_id)) as listener:
        await cluster.replicas[0].engine.use_cases.accept.execute(asked)
        live = await heard(listener, "run_finished")
    assert [event.prev for event in live] == [0, *(event.seq for event in live[:-1])]
    assert tuple(live) == await cluster.events(asked.run_id)
    assert [event.title for event in live if event.kind == "node_started"] == ["N0", "N1", "N2"]


async def test_a_whole_step_of_pure_nodes_is_one_commit(cluster: Cluster) -> None:
    writer = cluster.replicas[0].stores.writer
    assert isinstance(writer, InMemoryJournal)
    asked = await cluster.asked(chain(*({"type": "pass"} for _ in range(50))))
    await cluster.replicas[0].engine.use_cases.accept.execute(asked)
    await cluster.ended(asked.run_id)
    assert writer.groups == 1


async def test_an_effect_is_sent_only_after_its_journal_is_durable(
    cluster: Cluster, callees: Callees
) -> None:
    writer = cluster.replicas[0].stores.writer
    assert isinstance(writer, InMemoryJournal)
    writer.gate.clear()
    asked = await cluster.asked(chain({"type": "compute", "code": "x"}))
    async with cluster.bus.listen(run_live(TENANT, asked.run_id)) as listener:
        await cluster.replicas[0].engine.use_cases.accept.execute(asked)
        assert await listener.next(timeout=0.1) is None
        assert callees.effects == []
        writer.gate.set()
        await cluster.ended(asked.run_id)
    (effect,) = callees.effects
    assert effect.epoch == 1
    assert effect.key == f"{TENANT}/{asked.run_id}/n1/-/0/0"


async def test_text_is_told_after_its_generation_is_durable_and_before_the_answer(
    cluster: Cluster, callees: Callees
) -> None:
    callees.gate.clear()
    asked = await cluster.asked(
        chain({"type": "ask", "prompt": "hi"}, {"type": "show", "shows": "n1.text"})
    )
    async with cluster.bus.listen(run_live(TENANT, asked.run_id)) as listener:
        await cluster.replicas[0].engine.use_cases.accept.execute(asked)
        early = await heard(listener, "text_delta")
        callees.gate.set()
        late = await heard(listener, "run_finished")
    live = [*early, *late]
    kinds = [event.kind for event in live]
    assert kinds.index("generation_started") < kinds.index("text_delta")
    deltas = [event for event in live if event.kind == "text_delta"]
    assert [(delta.from_offset, delta.text) for delta in deltas] == [(0, "Hel"), (3, "lo")]
    (started,) = [event for event in live if event.kind == "generation_started"]
    assert {delta.generation for delta in deltas} == {started.generation}


async def test_thoughts_go_out_live_and_are_in_no_stored_event(
    cluster: Cluster, callees: Callees
) -> None:
    callees.thought = "let me see"
    asked = await cluster.asked(
        chain({"type": "ask", "prompt": "hi"}, {"type": "show", "shows": "n1.text"})
    )
    async with cluster.bus.listen(run_live(TENANT, asked.run_id)) as listener:
        await cluster.replicas[0].engine.use_cases.accept.execute(asked)
        live = await heard(listener, "run_finished")
    kinds = [event.kind for event in live]
    thought = live[kinds.index("reasoning_delta")]
    (started,) = [event for event in live if event.kind == "generation_started"]
    assert (thought.text, thought.generation) == ("let me see", started.generation)
    assert kinds.index("generation_started") < kinds.index("reasoning_delta")
    assert kinds.index("reasoning_delta") < kinds.index("text_delta")
    assert tuple(event for event in live if hasattr(event, "prev")) == await cluster.events(
        asked.run_id
    )


async def test_a_silent_callee_is_asked_again_under_the_same_key(
    cluster: Cluster, callees: Callees
) -> None:
    callees.errors = [Unavailable("gone"), Unavailable("still gone")]
    asked = await cluster.asked(chain({"type": "compute", "code": "x"}))
    await cluster.replicas[0].engine.use_cases.accept.execute(asked)
    view = await cluster.ended(asked.run_id)
    assert view.status == "succeeded"
    assert len({effect.key for effect in callees.effects}) == 1
    assert len(callees.effects) == 3


async def test_a_recorded_failure_ends_the_node(cluster: Cluster, callees: Callees) -> None:
    callees.errors = [UpstreamError("the site refused")]
    asked = await cluster.asked(chain({"type": "compute", "code": "x"}))
    await cluster.replicas[0].engine.use_cases.accept.execute(asked)
    view = await cluster.ended(asked.run_id)
    (failed,) = [
        entry.event
        for entry in await cluster.journal(asked.run_id)
        if isinstance(entry.event, journal.EffectFailed)
    ]
    assert (view.status, view.error) == ("failed", "the site refused")
    assert failed.definite


async def test_silence_beyond_the_effects_time_is_no_definite_end(
    cluster: Cluster, callees: Callees
) -> None:
    callees.gate.clear()
    asked = await cluster.asked(chain({"type": "compute", "code": "x", "timeout": 0.1}))
    await cluster.replicas[0].engine.use_cases.accept.execute(asked)
    view = await cluster.ended(asked.run_id)
    (failed,) = [
        entry.event
        for entry in await cluster.journal(asked.run_id)
        if isinstance(entry.event, journal.EffectFailed)
    ]
    assert view.status == "failed"
    assert not failed.definite


async def test_abort_stops_the_run_and_cancels_its_call(cluster: Cluster, callees: Callees) -> None:
    callees.gate.clear()
    asked = await cluster.asked(chain({"type": "ask", "prompt": "hi"}))
    use_cases = cluster.replicas[0].engine.use_cases
    await use_cases.accept.execute(asked)
    await asyncio.wait_for(callees.arrived.wait(), 5)
    command = AbortRun(tenant_id=TENANT, run_id=asked.run_id, command_id=uuid4(), reason="stop")
    first = await use_cases.command.send(command)
    view = await cluster.ended(asked.run_id)

    async def cancelled() -> bool:
        return bool(callees.cancelled)

    await eventually(cancelled)
    again = await use_cases.command.send(command)
    assert (first.accepted, view.status, again.accepted) == (True, "stopped", False)
    assert callees.cancelled[0].key == callees.effects[0].key
    assert callees.cancelled[0].epoch == 1


async def test_a_trace_shows_each_node_with_its_times(cluster: Cluster) -> None:
    asked = await cluster.asked(chain({"type": "nap", "seconds": 0.02}))
    await cluster.replicas[0].engine.use_cases.accept.execute(asked)
    await cluster.ended(asked.run_id)
    query = TraceQuery(tenant_id=TENANT, run_id=asked.run_id)
    trace = await cluster.replicas[0].engine.use_cases.read.trace(query)
    assert [(node.node_id, node.status) for node in trace.nodes] == [
        ("n0", "succeeded"),
        ("n1", "succeeded"),
    ]
    assert trace.nodes[1].elapsed_seconds >= 0.02


async def test_a_reader_that_reconnects_tells_no_text_twice(
    cluster: Cluster, callees: Callees
) -> None:
    callees.breaks = 2
    asked = await cluster.asked(
        chain({"type": "ask", "prompt": "hi"}, {"type": "show", "shows": "n1.text"})
    )
    async with cluster.bus.listen(run_live(TENANT, asked.run_id)) as listener:
        await cluster.replicas[0].engine.use_cases.accept.execute(asked)
        live = await heard(listener, "run_finished")
    deltas = [(event.from_offset, event.text) for event in live if event.kind == "text_delta"]
    assert deltas == [(0, "Hel"), (3, "lo")]
    assert len([event for event in live if event.kind == "generation_started"]) == 1
    assert len({effect.key for effect in callees.effects}) == 1


async def test_a_lost_generation_is_withdrawn_and_never_spliced(
    cluster: Cluster, callees: Callees
) -> None:
    callees.breaks, callees.loses_generation = 1, True
    asked = await cluster.asked(
        chain({"type": "ask", "prompt": "hi"}, {"type": "show", "shows": "n1.text"})
    )
    async with cluster.bus.listen(run_live(TENANT, asked.run_id)) as listener:
        await cluster.replicas[0].engine.use_cases.accept.execute(asked)
        live = await heard(listener, "run_finished")
    first, second = [event for event in live if event.kind == "generation_started"]
    assert first.generation != second.generation
    told = {first.generation: "", second.generation: ""}
    for event in live:
        if event.kind == "text_delta":
            told[event.generation] += event.text
    assert told == {first.generation: "Hel", second.generation: "Hello"}
    committed = [event for event in live if event.kind == "text_committed"]
    assert "".join(event.text for event in committed)[-5:] == "Hello"


async def test_what_nobody_foresaw_sets_its_run_aside_alone(cluster: Cluster) -> None:
    accept = cluster.replicas[0].engine.use_cases.accept
    bad = await cluster.asked(chain({"type": "broken"}))
    good = await cluster.asked(chain({"type": "nap", "seconds": 0.02}))
    await accept.execute(bad)
    await accept.execute(good)
    assert (await cluster.ended(good.run_id)).status == "succeeded"
    view = await cluster.ended(bad.run_id)
    assert view.status == "quarantined"
    assert "'object' object" in (view.error or "")


async def test_a_run_that_is_too_old_for_this_version_is_set_aside(cluster: Cluster) -> None:
    replica = cluster.replicas[0]
    asked = await cluster.asked(chain({"type": "nap", "seconds": 60.0}))
    await replica.engine.use_cases.accept.execute(asked)

    async def begun() -> bool:
        return bool(await cluster.journal(asked.run_id))

    await eventually(begun)
    writer = replica.stores.reader
    assert isinstance(writer, InMemoryJournal)
    row = writer.row_of(TENANT, asked.run_id)
    first = row.journal[0][0]
    assert isinstance(first.event, journal.RunStarted)
    row.journal[0][0] = first._replace(event=changed(first.event, semantics_version=99))
    replica.engine.worker._lapse()
    view = await cluster.ended(asked.run_id)
    assert view.status == "incompatible"
    assert "99" in (view.error or "")
