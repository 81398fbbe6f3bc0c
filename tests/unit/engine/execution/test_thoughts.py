"""What models think is told while they think, where their text would be told."""

from typing import Any

import pytest

from libs.common.contracts.chat import ChatPart, GenerationStarted, ReasoningPart, TextPart
from services.engine.domain.events import journal
from services.engine.domain.execution import heard_text
from services.engine.domain.execution.heard_text import HeardText
from services.engine.domain.execution.step import Step
from tests.unit.engine.execution.machine_nodes import workflow
from tests.unit.engine.execution.simulated_world import World

ASK: dict[str, Any] = {"type": "ask"}
BEGINNING = GenerationStarted(generation="g")


def _world() -> World:
    show = {"type": "show", "shows": ["@a.text", "|", "@b.text"]}
    world = World(
        workflow(
            {"begin": {"type": "begin"}, "a": ASK, "b": ASK, "out": show},
            ["begin > a", "begin > b", "a > out", "b > out"],
        )
    )
    world.begin()
    return world


def _key(world: World, node: str) -> str:
    return next(move for move in world.moves() if f"/{node}/" in move)


def _say(world: World, node: str, *parts: ChatPart) -> Step:
    return world.machine.parts(_key(world, node), parts, world.now)


def _thoughts(step: Step) -> list[tuple[str, str, str]]:
    return [(each.node_id, each.text, each.generation) for each in step.thoughts]


def test_thoughts_are_told_once_behind_the_generation_that_has_them() -> None:
    world = _world()
    step = _say(world, "a", BEGINNING, ReasoningPart(text="hm"), ReasoningPart(text="m"))
    assert [type(event) for event in step.events] == [journal.GenerationStarted]
    assert _thoughts(step) == [("a", "hmm", "g")]
    step = _say(world, "a", TextPart(text="so"))
    assert (_thoughts(step), [delta.text for delta in step.deltas]) == ([], ["so"])


def test_thoughts_of_a_model_whose_turn_it_is_not_wait() -> None:
    world = _world()
    step = _say(world, "b", BEGINNING, ReasoningPart(text="early"))
    assert (step.events, _thoughts(step)) == ([], [])


def test_a_reader_that_attached_anew_tells_no_thought_twice() -> None:
    world = _world()
    _say(world, "a", BEGINNING, ReasoningPart(text="one "), TextPart(text="say"))
    step = _say(world, "a", BEGINNING, ReasoningPart(text="one two"), TextPart(text="saying"))
    assert _thoughts(step) == [("a", "two", "g")]
    assert [delta.text for delta in step.deltas] == ["ing"]


def test_another_generation_thinks_anew() -> None:
    world = _world()
    _say(world, "a", BEGINNING, ReasoningPart(text="one"))
    step = _say(world, "a", GenerationStarted(generation="h"), ReasoningPart(text="one"))
    assert _thoughts(step) == [("a", "one", "h")]


def test_from_the_first_piece_that_does_not_fit_nothing_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(heard_text, "MOST_CHARACTERS", 5)
    heard = HeardText()
    for piece in ("abc", "def", "g"):
        heard.add(piece)
    assert heard.take() == "abc"
    heard.hear_again()
    heard.add("abcd")
    assert heard.take() == ""


def test_the_number_of_pieces_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heard_text, "MOST_PIECES", 2)
    heard = HeardText()
    for piece in "abc":
        heard.add(piece)
    assert heard.take() == "ab"


def test_what_was_not_kept_is_shown_with_the_recorded_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(heard_text, "MOST_CHARACTERS", 6)
    world = _world()
    key = _key(world, "a")
    world.speak(key, 4)
    world.speak(key, 20)
    assert "".join(getattr(event, "text", "") for event in world.wire) == "<a-0"
    world.happen(key)
    assert world.view.text.startswith("<a-0-0-0:one two")
    assert not any(isinstance(event, journal.TextReplaced) for event in world.events)
