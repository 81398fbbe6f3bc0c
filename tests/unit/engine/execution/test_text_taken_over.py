"""Text of a model call whose run gets another owner: never spliced, never unsaid unawares."""

from typing import Any

import pytest

from services.backend.domain.runs.run_joiner import RunJoiner
from services.engine.domain.events import journal
from services.engine.domain.execution.step import Abort
from tests.unit.engine.execution.machine_nodes import workflow
from tests.unit.engine.execution.simulated_world import ABORT, RUN, TENANT, World, ended

KEY = f"{TENANT}/{RUN}/m/-/0/0"


def _world(*, fails: bool = False, **model: Any) -> World:
    nodes = {
        "s": {"type": "begin"},
        "m": {"type": "ask", **model},
        "a": {"type": "show", "shows": ["@m.text", "!"]},
    }
    world = World(
        workflow(nodes, ["s > m", "m > a"]), lambda _node, attempt, _call: fails and attempt == 0
    )
    world.begin()
    return world


def _read(world: World) -> str:
    """What a reader who heard everything holds; what the journal says must be no other."""
    reader = RunJoiner()
    list(reader.hear(world.wire))
    assert not reader.gap
    return reader.text


def _withdrawals(world: World) -> list[int]:
    return [e.from_offset for e in world.events if isinstance(e, journal.TextReplaced)]


def test_the_same_generation_goes_on_where_it_was() -> None:
    world = _world()
    world.speak(KEY, 9)
    world.crash()
    world.speak(KEY, 12)
    assert _read(world) == world.calls[KEY].text[:12]
    world.happen(KEY)
    assert _read(world) == world.view.text == world.calls[KEY].text + "!"
    assert _withdrawals(world) == []


def test_a_record_that_is_not_what_was_said_takes_its_place() -> None:
    world = _world()
    world.speak(KEY, 12)
    world.calls[KEY].recorded = "another tale"
    world.happen(KEY)
    assert _read(world) == world.view.text == "another tale!"
    assert _withdrawals(world) == [0]


def test_another_generation_takes_the_place_of_the_lost_one() -> None:
    world = _world()
    world.speak(KEY, 12)
    world.crash()
    world.lose(KEY)
    world.speak(KEY, 11)
    assert _read(world) == world.calls[KEY].text[:11]
    world.happen(KEY)
    assert _read(world) == world.view.text == world.calls[KEY].text + "!"
    assert _withdrawals(world) == [0]


@pytest.mark.parametrize(("lost", "withdrawn"), [(False, []), (True, [0])])
def test_a_result_from_the_record_ends_what_was_visible(lost: bool, withdrawn: list[int]) -> None:
    world = _world()
    world.speak(KEY, 12)
    world.crash()
    if lost:
        world.lose(KEY)
    world.happen(KEY)
    assert _read(world) == world.view.text == world.calls[KEY].text + "!"
    assert _withdrawals(world) == withdrawn


@pytest.mark.parametrize("heard_again", [0, 5, 12, 14])
def test_an_abort_keeps_only_what_the_new_owner_knows(heard_again: int) -> None:
    world = _world()
    world.speak(KEY, 12)
    world.crash()
    call = world.calls[KEY]
    call.said = 0
    if heard_again:
        world.speak(KEY, heard_again)
    world.stop()
    assert ended(world).status == "stopped"
    assert _read(world) == world.view.text == call.text[:heard_again]
    assert world.cancelled == [KEY]


def test_an_abort_keeps_what_was_said_and_comes_once() -> None:
    world = _world()
    world.speak(KEY, 12)
    world.stop()
    assert not world.machine.abort(ABORT, world.now).events
    assert not world.machine.abort(Abort(command_id="c2", reason="again"), world.now).events
    assert _read(world) == world.view.text == world.calls[KEY].text[:12]
    assert _withdrawals(world) == []


def test_an_abort_in_a_broken_step_is_carried_out() -> None:
    world = _world()
    world.stop()
    del world.events[-1]
    world.crash()
    assert ended(world).status == "stopped"
    assert ended(world).error == "enough"


@pytest.mark.parametrize("crash", [False, True])
@pytest.mark.parametrize(
    ("policy", "text"),
    [
        ({}, None),
        (
            {
                "error_strategy": "default-value",
                "default_value": [{"key": "text", "type": "string", "value": "{default}"}],
            },
            "{default}!",
        ),
        ({"error_strategy": "fail-branch"}, ""),
        ({"forgives": True}, "!"),
    ],
)
def test_text_of_a_call_that_fails(crash: bool, policy: dict[str, Any], text: str | None) -> None:
    """Unhandled, what was said stays, as far as the owner knows it; otherwise it is withdrawn."""
    world = _world(fails=True, **policy)
    said = 12
    world.speak(KEY, said)
    if crash:
        world.crash()
        said = 0
    world.happen(KEY)
    expected = world.calls[KEY].text[:said] if text is None else text
    assert _read(world) == world.view.text == expected


@pytest.mark.parametrize("crash", [False, True])
def test_a_retry_withdraws_what_the_failed_attempt_said(crash: bool) -> None:
    retry = {"retry_enabled": True, "max_retries": 1, "retry_interval": 10}
    world = _world(fails=True, retry_config=retry)
    world.speak(KEY, 12)
    if crash:
        world.crash()
    world.happen(KEY)
    assert _read(world) == ""
    if crash:
        world.crash()
    world.happen("retry:m:0")
    again = KEY.replace("/-/0/0", "/-/1/0")
    world.speak(again, 12)
    world.happen(again)
    assert _read(world) == world.view.text == world.calls[again].text + "!"


def test_a_reader_that_attaches_anew_changes_nothing() -> None:
    """The same generation told again from its start, and an abort before it has caught up."""
    world = _world()
    world.speak(KEY, 12)
    call = world.calls[KEY]
    call.told = -1
    call.said = 0
    world.speak(KEY, 4)
    world.stop()
    assert _read(world) == world.view.text == call.text[:12]


def test_two_calls_of_a_node_stand_one_after_the_other() -> None:
    world = _world(calls=2)
    first, second = KEY, KEY[:-1] + "1"
    world.speak(first, 12)
    world.happen(first)
    world.speak(second, 12)
    assert _read(world) == world.calls[first].text + world.calls[second].text[:12]
    world.crash()
    world.lose(second)
    world.speak(second, 12)
    assert _read(world) == world.calls[first].text + world.calls[second].text[:12]
    world.happen(second)
    both = world.calls[first].text + world.calls[second].text
    assert _read(world) == world.view.text == both + "!"


def test_a_call_that_ended_before_its_turn_is_heard_before_the_next_one() -> None:
    nodes = {
        "s": {"type": "begin"},
        "w": {"type": "nap"},
        "m": {"type": "ask", "calls": 2},
        "a": {"type": "show", "shows": ["@w.text", ":", "@m.text"]},
    }
    world = World(workflow(nodes, ["s > w", "s > m", "w > a", "m > a"]))
    world.begin()
    second = KEY[:-1] + "1"
    world.happen(KEY)
    world.speak(second, 9)
    world.happen(f"{TENANT}/{RUN}/w/-/0/0")
    texts = [world.calls[KEY].text, world.calls[second].text]
    assert _read(world) == f"w:{texts[0]}{texts[1][:9]}"
    world.happen(second)
    assert _read(world) == world.view.text == "w:" + "".join(texts)
