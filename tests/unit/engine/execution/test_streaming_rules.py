"""Which text is visible, in which order, and to whom it is attributed."""

from typing import Any

import pytest

from libs.common.contracts import run_events as public
from services.engine.domain.events import journal
from tests.unit.engine.execution.machine_nodes import workflow
from tests.unit.engine.execution.simulated_world import Fails, World, never, run_to_end

BEGIN: dict[str, Any] = {"type": "begin"}
PASS: dict[str, Any] = {"type": "pass"}
ASK: dict[str, Any] = {"type": "ask"}
NAP: dict[str, Any] = {"type": "nap"}


def _show(*parts: str) -> dict[str, Any]:
    return {"type": "show", "shows": list(parts)}


def _world(nodes: dict[str, Any], *edges: str, fails: Fails = never) -> World:
    world = World(workflow({"begin": BEGIN, **nodes}, edges), fails)
    world.begin()
    return world


def _move(world: World, node: str) -> str:
    return next(move for move in world.moves() if f"/{node}/" in move)


def _story(world: World) -> list[str]:
    """Text and starts and ends of nodes in the journal's order."""
    told: list[str] = []
    for event in world.events:
        match event:
            case journal.TextCommitted():
                told.append(event.text)
            case journal.NodeStarted():
                told.append(f"+{event.node_id}")
            case journal.NodeSucceeded() | journal.NodeFailed():
                told.append(f"-{event.node_id}")
            case _:
                pass
    return told


def test_a_plain_chain_shows_its_fixed_text_before_anything_ran() -> None:
    world = _world({"out": _show("pre ", "@sys.query", " post")}, "begin > out")
    assert _story(world) == ["pre ", "hi", " post", "+begin", "-begin", "+out", "-out"]


def test_text_is_attributed_to_its_source_and_the_last_piece_is_final() -> None:
    world = _world(
        {"a": PASS, "out": _show("x", "@sys.query", "@a.text", "y")}, "begin > a", "a > out"
    )
    told = [event for event in world.events if isinstance(event, journal.TextCommitted)]
    assert [(event.node_id, event.selector, event.final) for event in told] == [
        ("out", ["out", "answer"], False),
        ("out", ["sys", "query"], False),
        ("a", ["a", "text"], False),
        ("out", ["out", "answer"], True),
    ]
    assert [event.from_offset for event in told] == [0, 1, 3, 4]


def test_nothing_behind_an_undecided_branch_is_shown() -> None:
    world = _world(
        {
            "wait": NAP,
            "fork": {"type": "fork", "choose": "yes"},
            "yes": _show("yes"),
            "no": _show("no"),
        },
        "begin > wait",
        "wait > fork",
        "fork:yes > yes",
        "fork:no > no",
    )
    assert world.view.text == ""
    run_to_end(world, lambda moves: moves[0])
    assert world.view.text == "yes"


def test_a_response_node_holds_the_one_behind_it_until_it_has_run() -> None:
    world = _world(
        {"wait": NAP, "first": _show("1"), "second": _show("2")},
        "begin > wait",
        "wait > first",
        "first > second",
    )
    assert world.view.text == "1"
    run_to_end(world, lambda moves: moves[0])
    assert _story(world)[-5:] == ["+first", "2", "-first", "+second", "-second"]


def test_a_later_model_waits_for_the_earlier_one_though_it_is_faster() -> None:
    world = _world(
        {"a": ASK, "b": ASK, "out": _show("@a.text", "|", "@b.text")},
        "begin > a",
        "begin > b",
        "a > out",
        "b > out",
    )
    world.speak(_move(world, "b"), 10)
    world.happen(_move(world, "b"))
    assert world.view.text == ""
    world.speak(_move(world, "a"), 10)
    deltas = [each for each in world.wire if isinstance(each, public.TextDelta)]
    assert [(delta.from_offset, delta.text) for delta in deltas] == [(0, "<a-0-0-0:o")]
    world.happen(_move(world, "a"))
    first, _, second = world.view.text.partition("|")
    assert (first[:9], second[:9]) == ("<a-0-0-0:", "<b-0-0-0:")


def test_a_generation_is_announced_when_it_begins_before_its_first_word() -> None:
    world = _world({"a": ASK, "out": _show("say: ", "@a.text")}, "begin > a", "a > out")
    world.speak(_move(world, "a"), 0)
    announced = [each for each in world.events if isinstance(each, journal.GenerationStarted)]
    assert [each.from_offset for each in announced] == [5]


def test_what_a_skipped_node_would_have_said_is_left_out() -> None:
    world = _world(
        {
            "fork": {"type": "fork", "choose": "no"},
            "a": PASS,
            "out": _show("(", "@a.text", ")"),
        },
        "begin > fork",
        "fork:yes > a",
        "a > out",
        "fork:no > out",
    )
    assert world.view.text == "()"


@pytest.mark.parametrize("selector", ["@a.nothing", "@nobody.text", "@env.nothing"])
def test_a_variable_that_does_not_exist_holds_what_stands_behind_it(selector: str) -> None:
    world = _world({"a": PASS, "out": _show("pre ", selector, " post")}, "begin > a", "a > out")
    assert world.view.text == "pre "
    assert world.finished


def test_what_a_model_streamed_is_shown_once() -> None:
    world = _world(
        {
            "a": ASK,
            "one": _show("@a.text", "!", "@a.text"),
            "two": _show("again ", "@a.text", "."),
        },
        "begin > a",
        "a > one",
        "one > two",
    )
    run_to_end(world, lambda moves: moves[0])
    assert world.view.text.count("<a-0-0-0:") == 1
    assert world.view.text.endswith(">!again .")


def test_a_stored_value_is_shown_wherever_it_stands() -> None:
    world = _world({"a": PASS, "one": _show("@a.text", "!", "@a.text")}, "begin > a", "a > one")
    assert world.view.text == "a!a"


def test_sessions_that_open_together_speak_in_the_order_of_their_ids() -> None:
    world = _world(
        {"a": NAP, "z": _show("z"), "m": _show("m"), "b": _show("@a.text")},
        "begin > a",
        "a > z",
        "a > m",
        "a > b",
    )
    assert world.view.text == ""
    run_to_end(world, lambda moves: moves[0])
    assert world.view.text == "amz"


def test_what_belongs_to_another_start_counts_as_skipped() -> None:
    world = _world(
        {"other": BEGIN, "b": PASS, "out": _show("(", "@b.text", ")")},
        "begin > out",
        "other > b",
        "b > out",
    )
    assert world.view.text == "()"
    assert _story(world)[-1] == "-out"


def test_text_of_a_failed_attempt_is_withdrawn_before_the_next() -> None:
    retried = ASK | {
        "retry_config": {"retry_enabled": True, "max_retries": 1, "retry_interval": 500}
    }
    world = _world(
        {"a": retried, "out": _show("say: ", "@a.text")},
        "begin > a",
        "a > out",
        fails=lambda _node, attempt, _call: attempt == 0,
    )
    world.speak(_move(world, "a"), 12)
    world.happen(_move(world, "a"))
    replaced = [each for each in world.events if isinstance(each, journal.TextReplaced)]
    assert [each.from_offset for each in replaced] == [5]
    run_to_end(world, lambda moves: moves[0])
    assert world.view.text.startswith("say: <a-1-0-0:")


def test_what_was_heard_of_a_model_stays_when_its_failure_ends_the_run() -> None:
    world = _world(
        {"a": ASK, "out": _show("@a.text", " tail")},
        "begin > a",
        "a > out",
        fails=lambda _node, _attempt, _call: True,
    )
    world.speak(_move(world, "a"), 12)
    world.happen(_move(world, "a"))
    assert world.finished
    assert world.view.text == "<a-0-0-0:one"


def test_a_generation_that_an_earlier_owner_showed_is_withdrawn_when_it_fails_unheard() -> None:
    world = _world(
        {"a": ASK, "out": _show("say: ", "@a.text")},
        "begin > a",
        "a > out",
        fails=lambda _node, _attempt, _call: True,
    )
    world.speak(_move(world, "a"), 12)
    world.crash()
    world.happen(_move(world, "a"))
    replaced = [each for each in world.events if isinstance(each, journal.TextReplaced)]
    assert [each.from_offset for each in replaced] == [5]
    assert world.view.text == "say: "


def test_a_lost_generation_is_withdrawn_before_the_next_is_announced() -> None:
    world = _world({"a": ASK, "out": _show("@a.text")}, "begin > a", "a > out")
    key = _move(world, "a")
    world.speak(key, 12)
    world.crash()
    world.lose(key)
    world.speak(key, 3)
    kinds = [type(each).__name__ for each in world.events[-2:]]
    assert kinds == ["TextReplaced", "GenerationStarted"]


def test_a_call_that_its_node_forgives_leaves_no_text_behind() -> None:
    world = _world(
        {"a": ASK | {"calls": 2, "forgives": True}, "out": _show("@a.text")},
        "begin > a",
        "a > out",
        fails=lambda _node, _attempt, call: call == 0,
    )
    world.speak(_move(world, "a"), 12)
    world.happen(_move(world, "a"))
    assert world.view.text == ""
    world.speak(_move(world, "a"), 12)
    run_to_end(world, lambda moves: moves[0])
    assert world.view.text.startswith("<a-0-1-0:")
