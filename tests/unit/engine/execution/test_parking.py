"""Runs that wait for people, are paused and go on: rule by rule and at random."""

from collections.abc import Callable
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from libs.common.contracts import run_events as public
from libs.common.contracts.run_commands import UpdateVariables, VariableUpdate
from services.engine.domain.events import journal
from services.engine.domain.execution.run_machine import DEADLINE
from tests.unit.engine.execution.container_graphs import contained, iteration
from tests.unit.engine.execution.machine_nodes import workflow
from tests.unit.engine.execution.parked_world import GO, ParkedWorld, form, with_forms
from tests.unit.engine.execution.random_graphs import RandomGraph, random_graph
from tests.unit.engine.execution.simulated_world import RUN, TENANT, ended, run_to_end

Randoms = st.integers(0, 2**32).map(Random)
BEGIN: dict[str, Any] = {"type": "begin"}


def key(node: str, frame: str = "-") -> str:
    return f"{TENANT}/{RUN}/{node}/{frame}/0/0"


def _begun(nodes: dict[str, Any], *edges: str) -> ParkedWorld:
    world = ParkedWorld(workflow({"s": BEGIN, **nodes}, edges))
    world.begin()
    return world


def _asking(**more: Any) -> ParkedWorld:
    """A run that waits for one form with the actions yes and no."""
    world = _begun(
        {
            "f": form("yes", "no", **more),
            "y": {"type": "pass"},
            "n": {"type": "pass"},
            "late": {"type": "pass"},
        },
        *("s > f", "f:yes > y", "f:no > n", "f:__timeout > late"),
    )
    world.happen(f"store {key('f')}")
    return world


def _finished(world: ParkedWorld) -> set[str]:
    return {e.node_id for e in world.events if isinstance(e, journal.NodeSucceeded)}


def test_a_run_that_waits_for_people_alone_rests_without_a_timer() -> None:
    world = _asking()
    assert world.rests == []
    assert world.names()[-2:] == ["FormOpened", "RunParked"]


def test_a_form_is_told_of_once_it_is_stored_and_not_before() -> None:
    world = _begun({"f": form()}, "s > f")
    assert not any(isinstance(event, public.HumanInputRequired) for event in world.wire)
    world.happen(f"store {key('f')}")
    assert [type(event) for event in world.wire[-2:]] == [
        public.HumanInputRequired,
        public.RunPaused,
    ]


def test_the_action_that_people_choose_is_the_branch() -> None:
    world = _asking(inputs=[{"type": "paragraph", "output_variable_name": "why"}])
    world.crash()
    world.answer(key("f"), "no", why="because")
    assert ended(world).status == "succeeded"
    assert _finished(world) == {"s", "f", "n"}
    outputs = world.machine.state.pool.names("f")
    assert outputs["why"] == "because"
    assert (outputs["__action_id"], outputs["__action_value"]) == ("no", "NO")


def test_nobody_answering_takes_the_branch_for_that() -> None:
    world = _asking(timeout=1, timeout_unit="day")
    assert world.stored[key("f")].due == 24 * 3600.0
    world.time_out(key("f"))
    assert _finished(world) == {"s", "f", "late"}
    assert [e.kind for e in world.wire if isinstance(e, public.HumanInputEnded)] == [
        "human_input_timeout"
    ]


def test_a_form_above_the_longest_life_stops_its_run() -> None:
    world = _asking(timeout=30, timeout_unit="day")
    assert world.stored[key("f")].due == 7 * 24 * 3600.0
    world.time_out(key("f"))
    end = ended(world)
    assert (end.status, end.error) == ("stopped", "Nobody answered the form 'f' within 7 days.")


def test_the_wire_tells_of_the_pause_and_of_going_on() -> None:
    world = _asking(form_content="Is it {{#$output.why#}}?")
    world.crash()
    world.answer(key("f"), "yes", why="so")
    told = [event.kind for event in world.wire]
    at = told.index("human_input_required")
    assert told[at : at + 4] == [
        "human_input_required",
        "run_paused",
        "run_resumed",
        "human_input_filled",
    ]
    paused, filled = world.wire[at + 1], world.wire[at + 3]
    assert isinstance(paused, public.RunPaused)
    assert isinstance(filled, public.HumanInputEnded)
    assert [shown.node_id for shown in paused.forms] == ["f"]
    assert (filled.rendered, filled.action_title, filled.actor) == ("Is it so?", "YES", "ann")


def test_two_forms_are_waited_for_side_by_side() -> None:
    world = _begun({"a": form(), "b": form(), "c": {"type": "pass"}}, "s > a", "s > b", "a > c")
    for node in ("a", "b"):
        world.happen(f"store {key(node)}")
    paused = [event for event in world.wire if isinstance(event, public.RunPaused)]
    assert [shown.node_id for shown in paused[-1].forms] == ["a", "b"]
    world.crash()
    world.answer(key("a"))
    assert world.rests == []
    assert _finished(world) == {"s", "a", "c"}
    paused = [event for event in world.wire if isinstance(event, public.RunPaused)]
    assert [shown.node_id for shown in paused[-1].forms] == ["b"]
    world.crash()
    world.answer(key("b"))
    started = [e.node_id for e in world.events if isinstance(e, journal.NodeStarted)]
    assert sorted(started) == sorted(set(started))
    assert ended(world).status == "succeeded"


def test_items_of_an_iteration_wait_side_by_side() -> None:
    nodes = {
        "s": BEGIN,
        "g": {"type": "give", "list": ["x", "y"]},
        "it": iteration("f.__action_id", is_parallel=True, parallel_nums=2),
        "f": form("yes", "no"),
    }
    world = ParkedWorld(contained(nodes, ["s > g", "g > it", "itstart > f"]))
    world.begin()
    places = [key("f", f"it:{index}") for index in range(2)]
    for place in places:
        world.happen(f"store {place}")
    assert world.rests == []
    world.crash()
    world.answer(places[1], "no")
    world.crash()
    world.answer(places[0], "yes")
    assert ended(world).status == "succeeded"
    assert world.machine.state.pool.get(("it", "output")) == ["yes", "no"]


def test_a_round_that_fails_takes_its_form_back() -> None:
    nodes = {
        "s": BEGIN,
        "g": {"type": "give", "list": ["x"]},
        "it": iteration("f.__action_id", error_handle_mode="continue-on-error"),
        "b": {"type": "nap"},
        "c": {"type": "broken"},
        "f": form(),
    }
    world = ParkedWorld(
        contained(nodes, ["s > g", "g > it", "itstart > b", "b > c", "itstart > f"])
    )
    world.begin()
    world.happen(f"store {key('f', 'it:0')}")
    assert world.rests is None
    world.happen(key("b", "it:0"))
    assert not world.stored
    assert ended(world).status == "partial-succeeded"


def test_a_short_wait_keeps_a_run_from_resting() -> None:
    world = _begun({"f": form(), "w": {"type": "nap", "seconds": 30}}, "s > f", "s > w")
    world.happen(f"store {key('f')}")
    assert world.rests is None
    world.happen(key("w"))
    assert world.rests == []


def test_a_long_wait_alone_rests_in_silence_with_the_runs_own_limit() -> None:
    world = _begun({"w": {"type": "nap", "seconds": 300}}, "s > w")
    assert world.rests is not None
    assert {(timer.timer_id, timer.due) for timer in world.rests} == {
        (key("w"), 300.0),
        (DEADLINE, 1200.0),
    }
    assert "RunParked" not in world.names()


def test_time_in_which_people_were_waited_for_does_not_count() -> None:
    world = _asking(inputs=[])
    world.now = 50_000.0
    assert not world.machine.timer_due(DEADLINE, world.now).events
    world.crash()
    assert DEADLINE not in world.timers
    later = _begun({"f": form(), "m": {"type": "compute"}}, "s > f", "f > m")
    later.happen(f"store {key('f')}")
    parked = later.now
    later.now = 50_000.0
    later.answer(key("f"))
    assert later.timers[DEADLINE] == 1200.0 + later.now - parked


def test_a_pause_lets_what_is_under_way_end_and_begins_nothing() -> None:
    world = _begun(
        {"m": {"type": "compute"}, "o": {"type": "compute"}, "z": {"type": "pass"}},
        *("s > m", "s > o", "m > z"),
    )
    world.pause()
    assert world.rests is None
    world.happen(key("m"))
    assert world.rests is None
    world.happen(key("o"))
    assert world.rests == []
    assert _finished(world) == {"s"}
    world.crash()
    assert world.rests == []
    world.go_on()
    assert ended(world).status == "succeeded"
    assert _finished(world) == {"s", "m", "o", "z"}


def test_a_paused_run_keeps_an_answer_until_it_goes_on() -> None:
    world = _asking()
    world.pause()
    world.crash()
    world.answer(key("f"), "yes")
    assert world.rests == []
    assert _finished(world) == {"s"}
    world.crash()
    world.go_on()
    assert _finished(world) == {"s", "f", "y"}


def test_variables_change_for_what_is_begun_later() -> None:
    world = _begun(
        {"g": {"type": "give", "list": [1]}, "f": form(), "c": {"type": "copy", "of": "g.list"}},
        *("s > g", "g > f", "f > c"),
    )
    world.happen(f"store {key('f')}")
    update = VariableUpdate(selector=("g", "list"), value=[2, 3])
    command = UpdateVariables(**world.address(), updates=(update,))
    world.tell(command)
    world.tell(command)
    assert world.names().count("CommandApplied") == 1
    assert world.names().count("RunResumed") == 0
    world.crash()
    assert world.rests == []
    world.answer(key("f"))
    assert world.machine.state.pool.get(("c", "text")) == [2, 3]


def test_a_parked_run_can_be_stopped() -> None:
    world = _asking()
    world.crash()
    world.stop()
    assert ended(world).status == "stopped"


def _ran(graph: RandomGraph, choose: Callable[[list[str]], str]) -> ParkedWorld:
    world = ParkedWorld(graph.compiled(), graph.fails)
    world.begin()
    run_to_end(world, choose)
    return world


@settings(max_examples=100, deadline=None)
@given(Randoms, Randoms, st.data())
def test_parked_at_any_prefix_a_run_reaches_the_same_end(
    shape: Random, schedule: Random, data: st.DataObject
) -> None:
    graph = with_forms(random_graph(shape, fatal=True))
    whole = _ran(graph, schedule.choice)
    kept = data.draw(st.integers(1, len(whole.events)), label="events kept")
    world = ParkedWorld(graph.compiled(), graph.fails, events=whole.events[:kept])
    opened = {e.key for e in world.events if isinstance(e, journal.FormOpened)}
    closed = {e.key for e in world.events if isinstance(e, journal.FormClosed)}
    world.crash()
    world.sent = 1000
    world.stored = {each: whole.seen[each] for each in opened - closed}
    world.finished = isinstance(world.events[-1], journal.RunFinished)
    turn = {move: place for place, move in enumerate(whole.order)}
    run_to_end(world, lambda moves: min(moves, key=lambda move: turn.get(move, len(turn))))
    before, after = ended(whole), ended(world)
    assert (after.status, after.outputs, after.error) == (
        before.status,
        before.outputs,
        before.error,
    )
    assert after.total_steps == before.total_steps
    assert world.view.text == whole.view.text


@settings(max_examples=100, deadline=None)
@given(Randoms, Randoms, Randoms)
def test_pauses_and_crashes_change_no_output_of_a_node(
    shape: Random, first: Random, second: Random
) -> None:
    graph = with_forms(random_graph(shape, fatal=False))
    whole = _ran(graph, first.choice)
    world = ParkedWorld(graph.compiled(), graph.fails)
    world.begin()
    paused = False
    for _ in range(10_000):
        if world.finished:
            break
        chance, moves = second.random(), world.moves()
        if chance < 0.2:
            world.crash()
        elif chance < 0.35 and not paused:
            world.pause()
            paused = True
        elif paused and (chance < 0.5 or world.rests is not None or not moves):
            world.go_on()
            paused = False
        elif moves:
            world.happen(second.choice(moves))
    assert ended(world).status == ended(whole).status
    assert ended(world).exceptions_count == ended(whole).exceptions_count
    fixed = [node for node, data in graph.nodes.items() if data["type"] != "show"]
    ends = [each.machine.state.pool for each in (whole, world)]
    assert all(ends[0].names(node) == ends[1].names(node) for node in fixed)
    for stretch in world.paused_stretches():
        assert not any(isinstance(event, journal.NodeStarted) for event in stretch)


def test_the_action_of_a_form_in_place_of_a_node_is_its_only_branch() -> None:
    world = _begun({"f": form(), "z": {"type": "pass"}}, "s > f", f"f:{GO} > z")
    world.happen(f"store {key('f')}")
    world.answer(key("f"))
    assert _finished(world) == {"s", "f", "z"}
