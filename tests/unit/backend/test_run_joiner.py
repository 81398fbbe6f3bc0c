"""Whatever is lost, doubled, late or cut off, a client's story is whole and told once."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from libs.common.contracts.run_events import (
    CommittedEvent,
    GenerationStarted,
    NodeStarted,
    ReasoningDelta,
    RunEvent,
    RunFinished,
    RunStarted,
    TextCommitted,
    TextDelta,
    TextReplaced,
)
from libs.common.identifiers import uuid7
from services.backend.domain.runs.resume_point import START, ResumePoint
from services.backend.domain.runs.run_joiner import (
    Happened,
    JoinedItem,
    RunJoiner,
    TextShown,
    TextWithdrawn,
    Transient,
)

NODE = uuid7()
Draw = st.DrawFn


@dataclass
class Owner:
    """An engine that tells a run: what it commits, and what it says live, in order."""

    stored: list[CommittedEvent] = field(default_factory=list[CommittedEvent])
    live: list[RunEvent] = field(default_factory=list[RunEvent])
    text: str = ""
    seq: int = 0

    def commit(self, kind: type[CommittedEvent], **fields: object) -> None:
        prev = self.stored[-1].seq if self.stored else 0
        self.seq += 1 + len(self.stored) % 3
        event = kind.model_validate({"seq": self.seq, "prev": prev, "at": 1.0, **fields})
        self.stored.append(event)
        self.live.append(event)

    def say(self, generation: str, offset: int, text: str) -> None:
        self.live.append(
            TextDelta(
                seq=self.stored[-1].seq,
                from_offset=offset,
                text=text,
                node_id="llm",
                selector=("llm", "text"),
                generation=generation,
            )
        )

    def generation(self, draw: Draw, name: str) -> None:
        """A model's turn: announced, told in deltas, then committed, given up or repeated."""
        start = len(self.text)
        self.commit(
            GenerationStarted,
            key="k" + name,
            generation=name,
            from_offset=start,
            node_id="llm",
            selector=("llm", "text"),
        )
        pieces = draw(st.lists(st.text("abc\U0001f600", min_size=1, max_size=4), max_size=5))
        offset = start
        for piece in pieces:
            self.say(name, offset, piece)
            offset += len(piece)
        if draw(st.booleans()):
            self.say_committed(start, "".join(pieces), name)
            return
        if draw(st.booleans()):
            self.say_committed(start, "".join(pieces[:3]), name)
        if draw(st.booleans()):
            self.text = self.text[:start]
            self.commit(TextReplaced, from_offset=start)
            if pieces:
                self.say(name, start, pieces[0])
        again = f"{name}'"
        self.commit(
            GenerationStarted,
            key="k" + name,
            generation=again,
            from_offset=start,
            node_id="llm",
            selector=("llm", "text"),
        )
        # The owner that was given up may still be talking.
        for piece in pieces[:2]:
            self.say(name, start, piece)
        other = draw(st.text("xyz", max_size=6))
        if other:
            self.say(again, start, other)
        self.say_committed(start, other, again)

    def say_committed(self, start: int, text: str, generation: str | None) -> None:
        self.text = self.text[:start] + text
        if text:
            self.commit(
                TextCommitted,
                from_offset=start,
                text=text,
                node_id="llm",
                selector=("llm", "text"),
                generation=generation,
            )


@st.composite
def stories(draw: Draw) -> Owner:
    owner = Owner()
    owner.commit(RunStarted, workflow_hash="h", inputs={})
    for index in range(draw(st.integers(1, 4))):
        owner.commit(
            NodeStarted,
            execution_id=NODE,
            node_id=f"n{index}",
            node_type="llm",
            title="",
            index=index + 1,
        )
        if draw(st.booleans()):
            owner.say_committed(len(owner.text), draw(st.text("st", max_size=3)), None)
        else:
            owner.generation(draw, f"g{index}")
    owner.commit(RunFinished, status="succeeded", elapsed_seconds=1, total_tokens=0,
                 total_steps=1, created_at=0.0)  # fmt: skip
    return owner


@dataclass
class Client:
    """What a client holds: it applies items, and may lose its connection after any of them."""

    point: ResumePoint = START
    text: str = ""
    seqs: list[int] = field(default_factory=list[int])

    def take(self, item: JoinedItem) -> None:
        match item:
            case TextShown():
                self.text += item.text
                self.point = item.at
            case TextWithdrawn():
                self.text = item.text
                self.point = item.at
            case Happened():
                if item.event.seq in self.seqs:
                    assert isinstance(item.event, RunFinished)
                    return
                self.seqs.append(item.event.seq)
                self.point = item.at
            case _:
                raise AssertionError(item)
        assert len(self.text) == self.point.offset


def published(owner: Owner) -> list[int]:
    texts = (GenerationStarted, TextCommitted, TextReplaced)
    return [event.seq for event in owner.stored if not isinstance(event, texts)]


@settings(max_examples=400, deadline=None)
@given(stories(), st.data())
def test_any_reader_gets_the_whole_story_once(owner: Owner, data: st.DataObject) -> None:
    client = Client()
    for _ in range(data.draw(st.integers(0, 3), label="broken connections")):
        items = session(owner, client.point, data)
        for item in items[: data.draw(st.integers(0, len(items)), label="cut after")]:
            client.take(item)
    for item in session(owner, client.point, data):
        client.take(item)
    assert client.text == owner.text
    assert client.seqs == published(owner)


def session(owner: Owner, seen: ResumePoint, data: st.DataObject) -> list[JoinedItem]:
    """One connection: live from some moment on, with losses and doubles, and re-reads of a store
    that is anywhere between what was heard and the end."""
    joiner = RunJoiner(seen)
    items: list[JoinedItem] = []
    begin = data.draw(st.integers(0, len(owner.live)), label="live from")
    items += joiner.read(stored_at(owner, begin))
    for position in range(begin, len(owner.live)):
        fate = data.draw(st.sampled_from(["heard", "heard", "lost", "doubled", "late", "read"]))
        event = owner.live[position]
        if fate == "lost":
            continue
        if fate == "late" and position + 1 < len(owner.live):
            items += joiner.hear([owner.live[position + 1]])
        if fate == "read":
            ahead = data.draw(st.integers(position, len(owner.live)), label="store ahead")
            items += joiner.read(after(joiner, stored_at(owner, ahead)))
        items += joiner.hear([event, event] if fate == "doubled" else [event])
        if joiner.gap:
            items += joiner.read(after(joiner, stored_at(owner, position + 1)))
    items += joiner.read(after(joiner, owner.stored))
    assert joiner.text == owner.text
    return items


def stored_at(owner: Owner, position: int) -> list[CommittedEvent]:
    """What is committed when the first `position` live events have been said."""
    said = [e.seq for e in owner.live[:position] if not isinstance(e, TextDelta)
            and e.kind != "reasoning_delta"]  # fmt: skip
    newest = max(said, default=0)
    return [event for event in owner.stored if event.seq <= newest]


def after(joiner: RunJoiner, events: list[CommittedEvent]) -> list[CommittedEvent]:
    return [event for event in events if event.seq > joiner.seq]


def test_deltas_flow_before_their_commit() -> None:
    owner = Owner()
    owner.commit(RunStarted, workflow_hash="h", inputs={})
    owner.commit(GenerationStarted, key="k", generation="g", from_offset=0, node_id="llm",
                 selector=("llm", "text"))  # fmt: skip
    owner.say("g", 0, "Hel")
    owner.say("g", 3, "lo")
    joiner = RunJoiner()
    items = list(joiner.hear(owner.live))
    assert [item.text for item in items if isinstance(item, TextShown)] == ["Hel", "lo"]
    assert joiner.at.offset == 5


def test_text_of_an_unannounced_generation_comes_with_its_commit() -> None:
    owner = Owner()
    owner.commit(RunStarted, workflow_hash="h", inputs={})
    owner.say("g", 0, "early")
    owner.commit(GenerationStarted, key="k", generation="g", from_offset=0, node_id="llm",
                 selector=("llm", "text"))  # fmt: skip
    owner.say_committed(0, "early", "g")
    joiner = RunJoiner()
    shown = [i.text for i in joiner.hear(owner.live) if isinstance(i, TextShown)]
    assert shown == ["early"]


@settings(max_examples=100, deadline=None)
@given(stories())
def test_resuming_at_any_point_gives_exactly_the_rest(owner: Owner) -> None:
    whole = list(RunJoiner().read(owner.stored))
    for position, item in enumerate(whole):
        assert not isinstance(item, Transient)
        rest = whole[position + 1 :]
        again = list(RunJoiner(item.at).read(owner.stored))
        assert again == (rest or whole[-1:])


def test_text_of_a_withdrawn_generation_is_not_shown_any_more() -> None:
    owner = Owner()
    owner.commit(RunStarted, workflow_hash="h", inputs={})
    owner.commit(GenerationStarted, key="k", generation="g", from_offset=0, node_id="llm",
                 selector=("llm", "text"))  # fmt: skip
    owner.say("g", 0, "half")
    owner.commit(TextReplaced, from_offset=0)
    owner.say("g", 0, "half an answer")
    items = list(RunJoiner().hear(owner.live))
    assert [item.text for item in items if isinstance(item, TextShown)] == ["half"]
    assert isinstance(items[-1], TextWithdrawn)
    assert items[-1].text == ""


def test_thoughts_are_told_while_their_generation_is_under_way() -> None:
    owner = Owner()
    owner.commit(RunStarted, workflow_hash="h", inputs={})
    owner.commit(
        GenerationStarted, key="k", generation="g", from_offset=0, node_id="n", selector=("n", "t")
    )
    thoughts = [ReasoningDelta(node_id="n", text="t", generation=name) for name in ("g", "old")]
    joiner = RunJoiner(START)
    told = list(joiner.hear([*owner.live, *thoughts]))
    assert [item.event.generation for item in told if isinstance(item, Transient)] == ["g"]
    owner.commit(TextReplaced, from_offset=0)
    assert not [
        item for item in joiner.hear([owner.live[-1], thoughts[0]]) if isinstance(item, Transient)
    ]
