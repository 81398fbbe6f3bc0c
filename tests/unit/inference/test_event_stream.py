import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inference.domain.errors import ProviderStreamBroken
from services.inference.infra.wires.event_stream import EventStreamParser

_STREAM = (
    b': comment\r\n\r\ndata: {"a": 1}\n\nevent: x\ndata:two\ndata: lines\r\n\r\n'
    b"id: 7\ndata: last\n\ndata: unfinished"
)
_EVENTS = [b'{"a": 1}', b"two\nlines", b"last"]


@given(cuts=st.lists(st.integers(0, len(_STREAM)), max_size=12))
def test_cutting_the_stream_anywhere_gives_the_same_events(cuts: list[int]) -> None:
    bounds = [0, *sorted(cuts), len(_STREAM)]
    parser = EventStreamParser()
    events = [
        event
        for start, end in itertools.pairwise(bounds)
        for event in parser.feed(_STREAM[start:end])
    ]
    assert events == _EVENTS
    assert parser.close() == [b"unfinished"]


_MEBIBYTE = 1024 * 1024
_HOSTILE = {
    "a line that never ends": b"x" * 64,
    "an event that never ends": b"data: " + b"x" * 57 + b"\n",
    "an event of empty lines": b"data:\n" * 10,
}


@pytest.mark.parametrize("name", _HOSTILE)
def test_an_event_without_end_is_refused_after_little_work(name: str) -> None:
    chunk = _HOSTILE[name]
    parser = EventStreamParser()
    began = time.process_time()
    with pytest.raises(ProviderStreamBroken, match="8 MiB"):
        _feed(parser, chunk, 12 * _MEBIBYTE // len(chunk))
    # Work that grows with what is held already would take minutes.
    assert time.process_time() - began < 10


def test_events_before_a_large_one_do_not_count() -> None:
    parser = EventStreamParser()
    event = b"data: " + b"x" * _MEBIBYTE + b"\n\n"
    assert [len(parser.feed(event)) for _ in range(20)] == [1] * 20


def _feed(parser: EventStreamParser, chunk: bytes, times: int) -> None:
    for _ in range(times):
        assert parser.feed(chunk) == []
