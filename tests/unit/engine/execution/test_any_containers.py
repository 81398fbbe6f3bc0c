"""Whatever lies in containers and in whatever order the world answers: rounds are done once each,
parallel rounds leave what sequential ones leave, and no crash changes the end."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.engine.domain.events import journal
from services.engine.domain.execution import run_advance
from services.engine.domain.execution.compile_workflow import CompiledWorkflow
from services.engine.domain.execution.frame_paths import frame_path
from services.engine.domain.execution.public_events import PublicView, ToldEvent
from services.engine.domain.execution.run_machine import RunMachine
from services.engine.domain.execution.run_snapshot import FOLD_VERSION, RunSnapshot
from services.engine.infra.journal_codec import decode, encode
from services.engine.infra.snapshot_codec import decode_snapshot, encode_snapshot
from tests.unit.engine.execution.container_graphs import RandomContainers, random_containers
from tests.unit.engine.execution.simulated_world import RUN, TENANT, World, ended, run_to_end
from tests.unit.engine.execution.strict_reader import StrictReader

Randoms = st.integers(0, 2**32).map(Random)


def _ran(graph: RandomContainers, schedule: Random, **settings: object) -> World:
    world = World(graph.compiled(**settings), graph.fails)
    world.begin()
    if not world.finished:
        run_to_end(world, schedule.choice)
    return world


@settings(max_examples=60, deadline=None)
@given(Randoms, Randoms)
def test_no_schedule_loses_or_doubles_a_node(shape: Random, schedule: Random) -> None:
    world = _ran(random_containers(shape, failing=0.0), schedule)
    starts = Counter(
        (e.node_id, e.frame) for e in world.events if isinstance(e, journal.NodeStarted)
    )
    ends = Counter(
        (e.node_id, e.frame) for e in world.events if isinstance(e, journal.NodeSucceeded)
    )
    assert starts == ends
    assert set(starts.values()) == {1}
    began = [
        frame_path(e.frame, e.node_id, e.index)
        for e in world.events
        if isinstance(e, journal.FrameStarted)
    ]
    over = [
        frame_path(e.frame, e.node_id, e.index)
        for e in world.events
        if isinstance(e, journal.FrameFinished)
    ]
    assert sorted(began) == sorted(over)
    assert len(set(began)) == len(began)
    assert ended(world).status == "succeeded"
    assert list(world.machine.state.frames.by_path) == [""]


@settings(max_examples=80, deadline=None)
@given(Randoms, Randoms, Randoms)
def test_parallel_rounds_leave_what_sequential_ones_leave(
    shape: Random, first: Random, second: Random
) -> None:
    graph = random_containers(shape, failing=0.2, mode="continue-on-error")
    one, other = _ran(graph, first, is_parallel=False), _ran(graph, second, is_parallel=True)
    assert ended(one).status == ended(other).status
    assert ended(one).outputs == ended(other).outputs
    assert ended(one).total_steps == ended(other).total_steps
    assert ended(one).exceptions_count == ended(other).exceptions_count
    pools = one.machine.state.pool, other.machine.state.pool
    assert all(
        pools[0].names(node).get(name) == pools[1].names(node).get(name)
        for node in graph.nodes
        for name in ("output", "text", "loop_round")
    )
    assert one.view.text == other.view.text


@settings(max_examples=80, deadline=None)
@given(Randoms, Randoms, st.integers(1, 5))
def test_long_steps_are_short_ones_one_after_the_other(
    shape: Random, schedule: Random, bound: int
) -> None:
    graph, again = random_containers(shape, failing=0.2), Random()
    again.setstate(schedule.getstate())
    whole = _ran(graph, schedule)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_advance, "STEP_EVENTS", bound)
        divided = _ran(graph, again)
    assert divided.steps_taken > whole.steps_taken
    assert divided.order == whole.order
    assert divided.events == whole.events


@settings(max_examples=80, deadline=None)
@given(Randoms, Randoms, st.data())
def test_any_prefix_of_the_journal_leads_to_the_same_end(
    shape: Random, schedule: Random, data: st.DataObject
) -> None:
    """The world asserts that no recorded call is sent again."""
    graph = random_containers(shape, failing=0.2)
    whole = _ran(graph, schedule)
    kept = data.draw(st.integers(1, len(whole.events)), label="events kept")
    world = World(graph.compiled(), graph.fails, events=decode(encode(whole.events[:kept])))
    world.finished = isinstance(world.events[-1], journal.RunFinished)
    world.crash()
    turn = {move: place for place, move in enumerate(whole.order)}
    if not world.finished:
        run_to_end(world, lambda moves: min(moves, key=lambda move: turn.get(move, len(turn))))
    before, after = ended(whole), ended(world)
    assert (after.status, after.outputs, after.error) == (
        before.status,
        before.outputs,
        before.error,
    )
    assert after.exceptions_count == before.exceptions_count
    assert after.total_steps == before.total_steps
    assert after.total_tokens == before.total_tokens
    assert world.view.text == whole.view.text


@settings(max_examples=60, deadline=None)
@given(Randoms, Randoms)
def test_a_reader_is_never_lied_to(shape: Random, schedule: Random) -> None:
    graph = random_containers(shape, failing=0.2)
    world = World(graph.compiled(), graph.fails)
    world.begin()
    for _ in range(10_000):
        if world.finished:
            break
        speakers, chance = world.speakers(), schedule.random()
        if speakers and chance < 0.5:
            world.speak(schedule.choice(speakers), schedule.randrange(1, 40))
        elif speakers and chance < 0.6:
            world.lose(schedule.choice(speakers))
        elif chance < 0.65:
            world.crash()
        else:
            world.happen(schedule.choice(world.moves()))
    assert world.finished
    reader = StrictReader()
    for event in world.wire:
        reader.hear(event)
    assert reader.text == world.view.text


@settings(max_examples=30, deadline=None)
@given(Randoms, Randoms)
def test_every_prefix_can_be_a_snapshot(shape: Random, schedule: Random) -> None:
    graph = random_containers(shape, failing=0.2)
    events, compiled = _ran(graph, schedule).events, graph.compiled()
    whole, other = _Follower(compiled), _Follower(compiled)
    for seq, event in enumerate(events, 1):
        assert whole.fold(seq, event) == other.fold(seq, event)
        stored = whole.stored(seq)
        assert other.stored(seq) == stored
        other = _Follower(compiled)
        other.restore(stored)
        assert other.machine.state.owners.keys() == whole.machine.state.owners.keys()


class _Follower:
    """A machine and a view that fold a history."""

    def __init__(self, workflow: CompiledWorkflow) -> None:
        self.machine = RunMachine(workflow, tenant_id=TENANT, run_id=RUN)
        self.view = PublicView(RUN, {})

    def fold(self, seq: int, event: journal.JournalEvent) -> ToldEvent | None:
        self.machine.fold(event)
        return self.view.tell(seq, event)

    def stored(self, seq: int) -> bytes:
        snapshot = RunSnapshot(seq=seq, machine=self.machine.snapshot(), view=self.view.snapshot())
        encoded = encode_snapshot(snapshot)
        assert encoded is not None
        return encoded

    def restore(self, stored: bytes) -> None:
        snapshot = decode_snapshot(stored, fold_version=FOLD_VERSION)
        assert snapshot is not None
        self.machine.restore(snapshot.machine)
        self.view.restore(snapshot.view)
