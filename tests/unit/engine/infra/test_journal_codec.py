"""Journal rows: what goes in comes out, and nothing else is taken for an event."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.object_store.sealed_objects import INLINE_BYTES
from services.engine.app.errors import JournalRefused, JournalTooLarge, JournalUnreadable
from services.engine.domain.events.journal import (
    EVENT_TYPES,
    EffectCompleted,
    JournalEvent,
    NodeStarted,
    NodeSucceeded,
    RunFinished,
    TextReplaced,
)
from services.engine.domain.variables.values import Value
from services.engine.infra import journal_codec
from services.engine.infra.journal_codec import (
    MAX_ROW_BYTES,
    decode,
    encode,
    encode_rows,
    kinds_in,
    stored_in,
    without_large,
)

_text = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | _text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_text, inner, max_size=4),
    max_leaves=12,
)


def _node(outputs: dict[str, Value]) -> NodeSucceeded:
    return NodeSucceeded(
        at=1.5,
        node_id="n",
        frame="",
        outputs=outputs,
        handle="source",
        inputs={},
        process_data={},
        metadata={},
        started_at=1.0,
    )


@given(st.dictionaries(_text, _json, max_size=4))
def test_values_survive_as_they_are(outputs: dict[str, Value]) -> None:
    (back,) = decode(encode([_node(outputs)]))
    assert isinstance(back, NodeSucceeded)
    assert back.outputs == outputs
    assert str(back.outputs) == str(outputs), "1 stays 1 and 1.0 stays 1.0"


def test_events_keep_their_order_and_kind() -> None:
    events: list[JournalEvent] = [
        NodeStarted(at=1.0, node_id="a\0", frame="", index=1, predecessor=None),
        _node({}),
        RunFinished(
            at=2.0,
            status="succeeded",
            outputs={},
            error=None,
            total_tokens=0,
            total_steps=1,
            exceptions_count=0,
            usage={},
        ),
    ]
    assert decode(encode(events)) == events


def test_half_a_surrogate_pair_is_refused_by_its_nodes_name_and_not_quoted() -> None:
    with pytest.raises(JournalRefused, match="Node 'n' brought text with half") as refused:
        encode([TextReplaced(at=1.0, from_offset=0), _node({"x": "private \ud800"})])
    assert "private" not in refused.value.message


def test_what_nests_without_end_is_refused_by_its_nodes_name() -> None:
    nested: Value = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(JournalRefused, match=r"Node 'n' brought .* nested"):
        encode_rows([_node({"x": nested})])


def test_an_event_over_the_limit_is_refused_by_its_nodes_name_and_size() -> None:
    with pytest.raises(JournalTooLarge, match=r"Node 'n' brought 33\.6 MB .* at most 32 MiB"):
        encode_rows([_node({"small": 1}), _node({"x": "x" * MAX_ROW_BYTES})])


def test_a_large_result_is_laid_at_its_nodes_door(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_codec, "MAX_ROW_BYTES", 100)
    large = EffectCompleted(at=1.0, key="t/r/ask/-/0/0", result="x" * 100)
    with pytest.raises(JournalTooLarge, match="Node 'ask'"):
        encode_rows([large])


@given(st.lists(st.integers(0, 90), min_size=1, max_size=12))
def test_events_are_divided_among_rows_without_loss(sizes: list[int]) -> None:
    events: list[JournalEvent] = [
        TextReplaced(at=float(place), from_offset=10**size)
        for place, size in enumerate(min(each, 18) for each in sizes)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal_codec, "MAX_ROW_BYTES", 150)
        rows = encode_rows(events)
    assert [event for _, row in rows for event in decode(row)] == events
    assert [len(decode(row)) for _, row in rows] == [count for count, _ in rows]
    assert all(len(row) <= 150 for _, row in rows)


@given(st.binary(max_size=200))
def test_any_bytes_are_events_or_unreadable(row: bytes) -> None:
    try:
        found = decode(row)
    except JournalUnreadable:
        return
    assert all(isinstance(event, EVENT_TYPES) for event in found)


_WRONG = (
    '[["NoSuchKind", {}]]',
    '[["NodeStarted", {"at": 1.0}]]',
    '[["NodeStarted", {"at":"x","node_id":"","frame":"","index":1,"predecessor":null}]]',
    '[["RunFinished", {"at": 1.0, "status": "exploded"}]]',
    '{"not": "a list"}',
)


@pytest.mark.parametrize("row", _WRONG)
def test_wrong_rows_are_unreadable(row: str) -> None:
    with pytest.raises(JournalUnreadable):
        decode(row.encode())


def test_a_large_event_is_named_by_its_row() -> None:
    looks_like_one = _node({"a": ["Stored", {"kind": "NodeSucceeded"}]})
    large = _node({"text": "x" * INLINE_BYTES})
    events: list[JournalEvent] = [looks_like_one, large, TextReplaced(at=1.0, from_offset=2)]
    row, stored = without_large(encode(events), "journal/run", 7)
    ((where, body),) = stored
    assert len(row) < 2_000
    assert where.name.startswith("journal/run.8.")
    assert stored_in(row) == [where]
    assert decode(row, {where.name: body}) == events
    assert kinds_in(row) == [type(event) for event in events]
    with pytest.raises(JournalUnreadable):
        decode(row)


def test_a_row_of_many_small_events_stays_as_it_is() -> None:
    events: list[JournalEvent] = [_node({"text": "x" * 1_000})] * 300
    row = encode(events)
    assert without_large(row, "journal/run", 1) == (row, [])
    assert stored_in(row) == []
