"""One rule each of how a reader joins what it hears with what it reads."""

from libs.common.contracts.run_events import GenerationStarted, RunFinished, RunStarted
from services.backend.domain.runs.run_joiner import (
    Happened,
    JoinedItem,
    RunJoiner,
    TextShown,
    TextWithdrawn,
)
from tests.unit.backend.test_run_joiner import Owner, after


def _speaking() -> Owner:
    """An owner whose model has its turn."""
    owner = Owner()
    owner.commit(RunStarted, workflow_hash="h", inputs={})
    owner.commit(
        GenerationStarted,
        key="k",
        generation="g",
        from_offset=0,
        node_id="llm",
        selector=("llm", "text"),
    )
    return owner


def _shown(items: list[JoinedItem]) -> list[str]:
    return [item.text for item in items if isinstance(item, TextShown)]


def test_text_that_stands_on_an_event_we_missed_shows_the_gap_and_waits_for_it() -> None:
    owner = _speaking()
    owner.say("g", 0, "early")
    joiner = RunJoiner()
    heard = list(joiner.hear([owner.live[0], owner.live[2]]))
    assert (joiner.gap, _shown(heard)) == (True, [])
    assert _shown(list(joiner.read(after(joiner, owner.stored)))) == ["early"]
    assert not joiner.gap


def test_an_event_heard_twice_is_told_once_and_is_no_gap() -> None:
    owner = _speaking()
    joiner = RunJoiner()
    told = list(joiner.hear([*owner.live, *owner.live]))
    assert [type(item) for item in told] == [Happened]
    assert not joiner.gap


def test_what_was_heard_is_not_told_again_when_it_is_read() -> None:
    owner = _speaking()
    owner.commit(RunFinished, status="succeeded", elapsed_seconds=1, total_tokens=0,
                 total_steps=1, created_at=0.0)  # fmt: skip
    joiner = RunJoiner()
    heard = list(joiner.hear(owner.live))
    assert len(heard) == 2
    assert list(joiner.read(owner.stored)) == []


def test_committed_text_replaces_what_contradicts_it() -> None:
    owner = _speaking()
    owner.say("g", 0, "one tale")
    owner.say_committed(0, "another", "g")
    items = list(RunJoiner().hear(owner.live))
    assert _shown(items) == ["one tale", "another"]
    assert [item.text for item in items if isinstance(item, TextWithdrawn)] == [""]
