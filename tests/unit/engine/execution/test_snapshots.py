"""A snapshot stands for the events before it: state, public events and next steps are the same."""

from collections.abc import Mapping, Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.engine.domain.events import journal
from services.engine.domain.execution.compile_workflow import CompiledWorkflow
from services.engine.domain.execution.public_events import PublicView
from services.engine.domain.execution.run_machine import RunMachine
from services.engine.domain.execution.run_snapshot import FOLD_VERSION, RunSnapshot
from services.engine.domain.execution.saved_state import snapshot_of
from services.engine.domain.execution.step import Step
from services.engine.domain.variables.record import changed
from services.engine.domain.variables.values import Value
from services.engine.infra import snapshot_codec
from services.engine.infra.snapshot_codec import decode_snapshot, encode_snapshot
from tests.unit.engine.execution.random_graphs import RandomGraph, random_graph
from tests.unit.engine.execution.simulated_world import RUN, TENANT, World, begun

Randoms = st.integers(0, 2**32).map(Random)


class _Follower:
    """A machine and a view that fold a history."""

    def __init__(
        self, workflow: CompiledWorkflow, secrets: Mapping[str, Value] | None = None
    ) -> None:
        self.machine = RunMachine(workflow, tenant_id=TENANT, run_id=RUN, secrets=secrets)
        self.view = PublicView(RUN, {})
        self.told: list[object] = []

    def fold(self, events: Sequence[journal.JournalEvent], first: int) -> None:
        for seq, event in enumerate(events, first):
            self.machine.fold(event)
            self.told.append(self.view.tell(seq, event))

    def snapshot(self, seq: int) -> bytes:
        snapshot = RunSnapshot(seq=seq, machine=self.machine.snapshot(), view=self.view.snapshot())
        return _encoded(snapshot)

    def next(self) -> tuple[Step, list[tuple[str, object]]]:
        """What a new owner does; requests by what they ask, for they hold functions."""
        step = self.machine.resume(9e3)
        asked = [(each.key, getattr(each.request, "call", None)) for each in step.dispatches]
        digests = [(each.key, each.request_hash) for each in step.dispatches]
        return changed(step, dispatches=[]), [*asked, *digests]

    def restore(self, stored: bytes) -> None:
        snapshot = decode_snapshot(stored, fold_version=FOLD_VERSION)
        assert snapshot is not None
        self.machine.restore(snapshot.machine)
        self.view.restore(snapshot.view)


def _encoded(snapshot: RunSnapshot) -> bytes:
    stored = encode_snapshot(snapshot)
    assert stored is not None
    return stored


def _spoken_history(graph: RandomGraph, schedule: Random) -> World:
    """A run whose models speak, lose their holders and end in any order, perhaps aborted."""
    world = World(graph.compiled(), graph.fails)
    world.begin()
    for _ in range(10_000):
        if world.finished:
            return world
        speakers = world.speakers()
        chance = schedule.random()
        if speakers and chance < 0.4:
            world.speak(schedule.choice(speakers), schedule.randrange(1, 40))
        elif speakers and chance < 0.5:
            world.lose(schedule.choice(speakers))
        elif chance < 0.52:
            world.stop()
        else:
            world.happen(schedule.choice(world.moves()))
    raise AssertionError("the run does not end")


@settings(max_examples=20, deadline=None)
@given(Randoms, Randoms)
def test_every_prefix_can_be_a_snapshot(shape: Random, schedule: Random) -> None:
    graph = random_graph(shape, fatal=True)
    events = _spoken_history(graph, schedule).events
    compiled = graph.compiled()
    for kept in range(1, len(events) + 1):
        until = schedule.randint(kept, len(events))
        whole, first, second = _Follower(compiled), _Follower(compiled), _Follower(compiled)
        whole.fold(events[:until], 1)
        first.fold(events[:kept], 1)
        stored = first.snapshot(kept)
        second.restore(stored)
        assert second.snapshot(kept) == stored
        second.fold(events[kept:until], kept + 1)
        assert second.told == whole.told[kept:]
        assert second.snapshot(until) == whole.snapshot(until)
        assert second.machine.state.owners.keys() == whole.machine.state.owners.keys()
        assert second.next() == whole.next()


@settings(max_examples=40, deadline=None)
@given(Randoms, Randoms)
def test_a_run_under_way_can_be_a_snapshot_between_its_steps(
    shape: Random, schedule: Random
) -> None:
    graph = random_graph(shape, fatal=True)
    world = World(graph.compiled(), graph.fails)
    world.begin()
    cuts: list[tuple[int, bytes]] = []
    while not world.finished:
        seq = len(world.events)
        taken = RunSnapshot(seq=seq, machine=world.machine.snapshot(), view=world.view.snapshot())
        cuts.append((seq, _encoded(taken)))
        speakers = world.speakers()
        if speakers and schedule.random() < 0.4:
            world.speak(schedule.choice(speakers), schedule.randrange(1, 40))
        else:
            world.happen(schedule.choice(world.moves()))
    for seq, stored in cuts:
        until = schedule.randint(seq, len(world.events))
        whole, second = _Follower(world.workflow), _Follower(world.workflow)
        whole.fold(world.events[:until], 1)
        second.restore(stored)
        second.fold(world.events[seq:until], seq + 1)
        assert second.told == whole.told[seq:]
        assert snapshot_of(second.machine.state) == snapshot_of(whole.machine.state)
        assert second.next() == whole.next()


def test_values_of_secrets_are_not_in_a_snapshot_and_are_back_after_it() -> None:
    compiled = random_graph(Random(1), fatal=False).compiled()
    first = _Follower(compiled, {"TOKEN": "hush"})
    first.fold([begun()], 1)
    stored = first.snapshot(1)
    assert b"hush" not in stored
    second = _Follower(compiled, {"TOKEN": "hush"})
    second.restore(stored)
    assert second.machine.state.pool.get(("env", "TOKEN")) == "hush"
    assert first.machine.state.pool.get(("env", "TOKEN")) == "hush"


@pytest.mark.parametrize("broken", [b"", b"{}", b"[1]", b"\xff", b'{"seq":"1"}'])
def test_bytes_that_are_no_snapshot_are_left_alone(broken: bytes) -> None:
    assert decode_snapshot(broken, fold_version=FOLD_VERSION) is None


def test_a_snapshot_of_another_fold_version_is_left_alone() -> None:
    follower = _Follower(random_graph(Random(1), fatal=False).compiled())
    follower.fold([begun()], 1)
    stored = follower.snapshot(1)
    assert decode_snapshot(stored, fold_version=FOLD_VERSION) is not None
    assert decode_snapshot(stored, fold_version=FOLD_VERSION - 1) is None
    assert decode_snapshot(stored, fold_version=FOLD_VERSION + 1) is None


@pytest.mark.parametrize("place", ["pool", "elsewhere"])
def test_what_is_too_large_is_not_written_out(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    follower = _Follower(random_graph(Random(1), fatal=False).compiled())
    system = {"query": "x" * 2_000} if place == "pool" else {}
    inputs = {} if place == "pool" else {"text": "x" * 2_000}
    follower.fold([changed(begun(), system=system, inputs=inputs)], 1)
    stored = follower.snapshot(1)
    monkeypatch.setattr(snapshot_codec, "MAX_SNAPSHOT_BYTES", len(stored))
    assert follower.snapshot(1) == stored
    monkeypatch.setattr(snapshot_codec, "MAX_SNAPSHOT_BYTES", 1_999)
    taken = RunSnapshot(seq=1, machine=follower.machine.snapshot(), view=follower.view.snapshot())
    assert encode_snapshot(taken) is None
