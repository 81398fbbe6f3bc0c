import itertools

from hypothesis import given
from hypothesis import strategies as st

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
