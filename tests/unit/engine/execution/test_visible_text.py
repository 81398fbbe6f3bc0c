"""What a reader sees, whatever is lost on its way and whoever dies: the journal's text, unspliced.

The reader is the backend's own: the two sides must agree on what the events mean.
"""

import re
from collections import Counter
from collections.abc import Iterable
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from libs.common.contracts import run_events as public
from services.backend.domain.runs.run_joiner import JoinedItem, RunJoiner, TextShown, TextWithdrawn
from services.engine.domain.events import journal
from services.engine.domain.execution.public_events import PublicView
from tests.unit.engine.execution.random_graphs import random_graph
from tests.unit.engine.execution.simulated_world import BODY, RUN, World, ended
from tests.unit.engine.execution.strict_reader import StrictReader

Randoms = st.integers(0, 2**32).map(Random)
_HEAD = re.compile(r"<[-\w]*:?")


class _Client:
    """A reader, and the client behind it that holds what it was told."""

    def __init__(self) -> None:
        self.joiner = RunJoiner()
        self.text = ""
        self._heard = 0

    def hear(self, world: World, random: Random) -> None:
        """What was published since, now and then with holes, doubles and a look at the store."""
        news, self._heard = world.wire[self._heard :], len(world.wire)
        told = [event for event in news for _ in range(random.choice([1, 1, 1, 1, 0, 2]))]
        self._take(self.joiner.hear(told))
        if self.joiner.gap and random.random() < 0.5:
            self.read(world)

    def read(self, world: World) -> None:
        view = PublicView(RUN, {})
        stored = [view.map(seq, event) for seq, event in enumerate(world.events, 1)]
        known = self.joiner.seq
        self._take(self.joiner.read([each for each in stored if each and each.seq > known]))

    def _take(self, items: Iterable[JoinedItem]) -> None:
        for item in items:
            if isinstance(item, TextShown):
                self.text += item.text
            elif isinstance(item, TextWithdrawn):
                self.text = item.text


def _assert_unspliced(text: str) -> None:
    """Every model text in `text` is whole or, at the very end, the beginning of one."""
    for head in _HEAD.finditer(text):
        whole = f"{head[0]}{BODY}>"
        rest = text[head.start() : head.start() + len(whole)]
        at_the_end = head.start() + len(rest) == len(text)
        assert rest == whole or (at_the_end and whole.startswith(rest)), text


def _assert_only_what_counted(world: World) -> None:
    """Nothing stands of an attempt that another one or a default value replaced."""
    attempts: Counter[str] = Counter()
    for event in world.events:
        if isinstance(event, journal.NodeRetried):
            attempts[event.node_id] += 1
    failed = {event.node_id for event in world.events if isinstance(event, journal.NodeFailed)}
    for head in _HEAD.finditer(world.view.text):
        node, attempt, *_ = head[0][1:].split("-")
        assert node not in failed, world.view.text
        assert int(attempt) == attempts[node], world.view.text


def _step(world: World, random: Random) -> None:
    """One thing happens: a word, an answer, a timer, a lost generation, a dead owner."""
    chance = random.random()
    speakers = world.speakers()
    if chance < 0.5 and speakers:
        key = random.choice(speakers)
        world.speak(key, world.calls[key].said + random.randint(0, 20))
    elif chance < 0.6 and speakers:
        world.lose(random.choice(speakers))
    elif chance < 0.7:
        world.crash()
    else:
        world.happen(random.choice(world.moves()))


@settings(max_examples=250, deadline=None)
@given(Randoms, Randoms, st.booleans())
def test_no_event_contradicts_what_was_told_before(
    shape: Random, schedule: Random, fatal: bool
) -> None:
    graph = random_graph(shape, fatal=fatal, speech=True)
    world, reader = World(graph.compiled(), graph.fails), StrictReader()
    world.begin()
    heard = 0
    for _ in range(1_000):
        for event in world.wire[heard:]:
            reader.hear(event)
        heard = len(world.wire)
        _assert_unspliced(reader.text)
        if world.finished:
            break
        if schedule.random() < 0.03:
            world.stop()
        else:
            _step(world, schedule)
    assert reader.text == world.view.text
    if ended(world).status in {"succeeded", "partial-succeeded"}:
        _assert_only_what_counted(world)


@settings(max_examples=150, deadline=None)
@given(Randoms, Randoms, st.booleans())
def test_a_reader_ends_with_the_text_of_the_journal(
    shape: Random, schedule: Random, fatal: bool
) -> None:
    graph = random_graph(shape, fatal=fatal, speech=shape.random() < 0.7)
    world, client = World(graph.compiled(), graph.fails), _Client()
    world.begin()
    for _ in range(1_000):
        client.hear(world, schedule)
        _assert_unspliced(client.text)
        if world.finished:
            break
        if schedule.random() < 0.01:
            world.stop()
        else:
            _step(world, schedule)
    client.read(world)
    finished = ended(world)
    assert client.text == world.view.text
    assert isinstance(client.joiner.finished, public.RunFinished)
    assert client.joiner.finished.offset == len(client.text)
    if finished.status in {"succeeded", "partial-succeeded"}:
        # No generation is left half said.
        _assert_unspliced(client.text + "\N{END OF PROOF}")


@settings(max_examples=100, deadline=None)
@given(Randoms, Randoms, Randoms)
def test_the_same_answers_show_the_same_text_however_they_trickled_in(
    shape: Random, order: Random, trickle: Random
) -> None:
    """No generation is lost: words and crashes between the answers show nothing else."""
    graph = random_graph(shape, fatal=False, speech=shape.random() < 0.7)
    plain = World(graph.compiled(), graph.fails)
    plain.begin()
    while not plain.finished:
        plain.happen(order.choice(plain.moves()))
    world = World(graph.compiled(), graph.fails)
    world.begin()
    for move in plain.order:
        for _ in range(trickle.randint(0, 2)):
            if trickle.random() < 0.3:
                world.crash()
            elif speakers := world.speakers():
                key = trickle.choice(speakers)
                world.speak(key, world.calls[key].said + trickle.randint(0, 15))
        world.happen(move)
    assert world.view.text == plain.view.text
