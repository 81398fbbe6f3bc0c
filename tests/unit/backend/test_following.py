"""Who hears nothing asks, who is too slow starts over; an end is on record before it is told."""

from collections.abc import Callable, Sequence
from typing import Any, cast
from uuid import UUID

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.run_events import (
    CommittedEvent,
    GenerationStarted,
    ReasoningDelta,
    RunEvent,
    RunEventMessage,
    RunFinished,
    RunStarted,
    TextDelta,
)
from libs.common.contracts.run_queries import RunEventsPage, RunView
from libs.common.contracts.subjects import run_live
from libs.common.messaging.in_memory_bus import InMemoryBus
from services.backend.app.runs.engine_runs import EngineRuns
from services.backend.app.runs.follow_run import FollowedItem, FollowRun, Quiet
from services.backend.app.runs.record_end import RecordEnd
from services.backend.domain.runs.run_joiner import Happened, TextShown, Transient
from tests.simulation.world import Process, World

TENANT, RUN = UUID(int=1), UUID(int=2)
_PLACE: dict[str, Any] = {"node_id": "llm", "selector": ("llm", "text")}
_STARTED = RunStarted(seq=1, prev=0, at=1.0, workflow_hash="h", inputs={})
_SPEAKS = GenerationStarted(seq=2, prev=1, at=1.0, key="k", generation="g", from_offset=0, **_PLACE)
_FINISHED = RunFinished(
    seq=5, prev=2, at=1.0, status="succeeded", elapsed_seconds=1, total_tokens=0, total_steps=1,
    created_at=0.0,
)  # fmt: skip


class _Stage:
    """One reader on a process of its own time, the engine's store and its live events."""

    def __init__(self) -> None:
        self.world = World("following")
        self.reader = Process(self.world)
        self.reader.clock.rate = 1.0
        self.bus = InMemoryBus(clock=self.reader.clock)
        self.stored: list[CommittedEvent] = [_STARTED, _SPEAKS]
        self.tail_of: list[TextDelta] = []
        self.told: list[tuple[float, FollowedItem]] = []
        self.recorded_at: list[int] = []
        self.questions = 0
        self.hold: Callable[[], Any] | None = None

    def play(self, seconds: float) -> None:
        """Follow until the end, or for `seconds`."""
        self.reader.start(self._follow)
        self.world.run(seconds)
        self.reader.kill()

    def say(self, *events: RunEvent, at: float) -> None:
        """The engine publishes them, each as a message."""

        async def say() -> None:
            for event in events:
                message = RunEventMessage(run_id=RUN, events=(event,))
                await self.bus.broadcast(run_live(TENANT, RUN), message, envelope=Envelope())

        self.world.after(at, lambda: self.reader.start(say))

    async def _follow(self) -> None:
        follow = FollowRun(
            bus=self.bus,
            engine=cast("EngineRuns", self),
            record_end=cast("RecordEnd", self),
            clock=self.reader.clock,
            tail=self,
        )
        async for item in follow(TENANT, RUN):
            self.told.append((round(self.world.now, 1), item))
            if self.hold is not None:
                await self.hold()

    async def events(self, tenant_id: UUID, run_id: UUID, after_seq: int) -> RunEventsPage:
        found = [event for event in self.stored if event.seq > after_seq]
        return RunEventsPage(events=tuple(found), more=False, status="running")

    async def view(self, tenant_id: UUID, run_id: UUID) -> RunView:
        self.questions += 1
        return RunView(
            run_id=RUN, app_id=RUN, status="running", created_at=0.0, epoch=1,
            last_public_seq=self.stored[-1].seq,
        )  # fmt: skip

    async def of_event(self, *_: object) -> None:
        self.recorded_at.append(len(self.told))

    async def read(self, tenant_id: UUID, run_id: UUID) -> Sequence[TextDelta]:
        return self.tail_of


def _text(text: str, offset: int = 0) -> TextDelta:
    return TextDelta(seq=2, from_offset=offset, text=text, generation="g", **_PLACE)


def _thought(text: str) -> ReasoningDelta:
    return ReasoningDelta(node_id="llm", text=text, generation="g")


def _texts(stage: _Stage) -> list[str]:
    return [item.text for _, item in stage.told if isinstance(item, TextShown)]


def test_five_seconds_of_silence_have_the_reader_ask() -> None:
    stage = _Stage()
    stage.world.after(1.0, lambda: stage.stored.append(_FINISHED))
    stage.play(20.0)
    assert [at for at, item in stage.told if isinstance(item, Quiet)] == [5.0]
    at, last = stage.told[-1]
    assert (at, stage.questions) == (5.0, 1)
    assert isinstance(last, Happened)
    assert last.event == _FINISHED


def test_a_gap_is_read_at_once() -> None:
    stage = _Stage()
    stage.stored = [_STARTED]
    stage.world.after(1.0, lambda: stage.stored.extend([_SPEAKS, _FINISHED]))
    stage.say(_FINISHED, at=2.0)
    stage.play(20.0)
    assert (stage.told[-1][0], stage.questions) == (2.0, 0)


def test_a_late_reader_begins_with_the_tail() -> None:
    stage = _Stage()
    stage.tail_of = [_text("Hel")]
    stage.say(_text("Hello"), at=1.0)
    stage.play(2.0)
    assert _texts(stage) == ["Hel", "lo"]


def test_a_reader_that_is_too_slow_starts_over_from_the_store() -> None:
    stage = _Stage()
    held = stage.reader.loop.create_future()
    stage.hold = lambda: held
    stage.say(*(_text("x", place) for place in range(10_100)), at=1.0)
    stage.world.after(2.0, lambda: stage.stored.append(_FINISHED))

    def go_on() -> None:
        stage.hold = None
        held.set_result(None)

    stage.world.after(3.0, lambda: stage.reader.do(go_on))
    stage.play(4.0)
    assert isinstance(stage.told[-1][1], Happened)
    assert stage.told[-1][0] == 3.0


def test_who_lags_behind_is_spared_what_is_transient_first() -> None:
    stage = _Stage()
    held = stage.reader.loop.create_future()
    stage.hold = lambda: held
    thoughts = [_thought(f"{place}") for place in range(300)]
    stage.say(*thoughts, _text("Hello"), at=1.0)

    def go_on() -> None:
        stage.hold = None
        held.set_result(None)

    stage.world.after(2.0, lambda: stage.reader.do(go_on))
    stage.play(3.0)
    shown = [item for _, item in stage.told if isinstance(item, Transient)]
    assert 0 < len(shown) < 200
    assert _texts(stage) == ["Hello"]


def test_an_end_is_on_record_before_it_is_told() -> None:
    stage = _Stage()
    stage.say(_FINISHED, at=1.0)
    stage.play(2.0)
    assert stage.recorded_at == [len(stage.told) - 1]
