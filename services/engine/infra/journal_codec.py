"""Journal events as bytes: a JSON array of `[kind, payload]` pairs, one array a row.

An event above 256 KiB lies in the object store, and stands in its row as `["Stored", where]`.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from libs.common.identifiers import uuid7
from libs.common.object_store.sealed_objects import INLINE_BYTES, new_key
from services.engine.app.errors import JournalRefused, JournalTooLarge, JournalUnreadable
from services.engine.domain.events.journal import EVENT_TYPES, EffectCompleted, JournalEvent
from services.engine.domain.variables.values import Value

MAX_ROW_BYTES = 32 * 1024 * 1024
"""Above it events are divided among rows, and one event alone is refused."""

_KINDS: dict[type[JournalEvent], str] = {kind: kind.__name__ for kind in EVENT_TYPES}
_UNWRITABLE = (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError)
_NO_JSON = "a value that is too deeply nested, or none of JSON's"
_encoder = msgspec.json.Encoder()
_values: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_pairs: msgspec.json.Decoder[list[tuple[str, msgspec.Raw]]] = msgspec.json.Decoder(
    list[tuple[str, msgspec.Raw]]
)


_events: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])
_STORED = "Stored"
_STORED_MARK = f'["{_STORED}",'.encode()
_NOTHING: Mapping[str, bytes] = {}
_Shape = tuple[type[JournalEvent], msgspec.json.Decoder[JournalEvent]]
_SHAPES: dict[str, _Shape] = {
    kind.__name__: (kind, msgspec.json.Decoder(kind)) for kind in EVENT_TYPES
}


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Where an event lies: the object `name`, encrypted under `key`, `size` bytes of JSON."""

    kind: str
    name: str
    key: str
    size: int


_stored_events = msgspec.json.Decoder(StoredEvent)


def journal_place(first_seq: int) -> str:
    """Where a row stands in its run's journal, for sealing it."""
    return f"journal/{first_seq}"


def variable_place(conversation_id: UUID, name: str) -> str:
    """Where a variable stands among what conversations keep, for sealing it."""
    return f"conversation/{conversation_id}/{name}"


def encode_value(value: Value) -> bytes:
    """A variable on its own. Raises JournalRefused when it is not JSON."""
    try:
        return _encoder.encode(value)
    except _UNWRITABLE as error:
        raise JournalRefused(_unwritable_value(error)) from error


def decode_value(stored: bytes) -> Value:
    """What `encode_value` wrote."""
    return _values.decode(stored)


def encode(events: list[JournalEvent]) -> bytes:
    """One row, of any size. Raises JournalRefused when an event is not JSON, naming its node."""
    try:
        return _encoder.encode([(_KINDS[type(event)], event) for event in events])
    except _UNWRITABLE as error:
        if len(events) > 1:
            for event in events:
                encode([event])
        raise JournalRefused(_unwritable(events[0], error)) from error


def encode_rows(events: list[JournalEvent]) -> list[tuple[int, bytes]]:
    """As few rows as the bound allows, each with its number of events, in their order.

    Raises JournalRefused as `encode` does, and JournalTooLarge for one event above the bound.
    """
    encoded = encode(events)
    if len(encoded) <= MAX_ROW_BYTES:
        return [(len(events), encoded)]
    if len(events) == 1:
        raise JournalTooLarge(_too_large(events[0], len(encoded)))
    middle = len(events) // 2
    return [*encode_rows(events[:middle]), *encode_rows(events[middle:])]


def without_large(
    row: bytes, prefix: str, first_seq: int
) -> tuple[bytes, list[tuple[StoredEvent, bytes]]]:
    """A row of which each large event was replaced by where it will lie, under a name that begins
    with `prefix`; and those events with their bytes."""
    if max(map(len, _events.decode(row))) <= INLINE_BYTES:
        return row, []
    pairs: list[tuple[str, msgspec.Raw | StoredEvent]] = []
    large: list[tuple[StoredEvent, bytes]] = []
    for seq, (kind, payload) in enumerate(_pairs.decode(row), first_seq):
        size = len(payload)
        if size <= INLINE_BYTES:
            pairs.append((kind, payload))
            continue
        name = f"{prefix}.{seq}.{uuid7().hex}"
        stored = StoredEvent(kind=kind, name=name, key=new_key(), size=size)
        pairs.append((_STORED, stored))
        large.append((stored, bytes(payload)))
    return _encoder.encode(pairs), large


def stored_in(row: bytes) -> list[StoredEvent]:
    """The events of a row that lie elsewhere, in order. Raises JournalUnreadable."""
    # Values may look like it too; without it there is nothing to look for.
    if _STORED_MARK not in row:
        return []
    try:
        pairs = _pairs.decode(row)
        return [_stored_events.decode(payload) for kind, payload in pairs if kind == _STORED]
    except (msgspec.MsgspecError, RecursionError) as e:
        raise _undecodable(e) from e


def kinds_in(row: bytes) -> list[type[JournalEvent]]:
    """What the events of a row are. Raises JournalUnreadable."""
    try:
        pairs = _pairs.decode(row)
        names = (
            _stored_events.decode(payload).kind if kind == _STORED else kind
            for kind, payload in pairs
        )
        return [_shape_of(name)[0] for name in names]
    except (msgspec.MsgspecError, RecursionError) as e:
        raise _undecodable(e) from e


def _unwritable(event: JournalEvent, error: BaseException) -> str:
    return f"{_who(event)} brought {_what(error)}, which no JSON text can hold."


def _unwritable_value(error: BaseException) -> str:
    return f"The variable was given {_what(error)}, which no JSON text can hold."


def _what(error: BaseException) -> str:
    # The error's own words quote what was wrong, and a secret may stand around it.
    return "text with half a surrogate pair" if isinstance(error, UnicodeError) else _NO_JSON


def _who(event: JournalEvent) -> str:
    node_id = getattr(event, "node_id", None)
    if isinstance(event, EffectCompleted):
        # tenant/run/node/...: the node whose call brought the result.
        node_id = event.key.split("/")[2]
    return f"Node {node_id!r}" if node_id else "The run"


def _too_large(event: JournalEvent, size: int) -> str:
    return (
        f"{_who(event)} brought {size / 1_000_000:.1f} MB in one step; a run's journal takes at "
        f"most {MAX_ROW_BYTES // 1_048_576} MiB at once. Keep content of that size in a file and "
        "pass its address."
    )


def decode(row: bytes, stored: Mapping[str, bytes] = _NOTHING) -> list[JournalEvent]:
    """The events of one row; `stored` are the bytes of those that lie elsewhere, by name.

    Raises JournalUnreadable for whatever `encode` did not write.
    """
    try:
        return [
            _event(kind, payload) if kind != _STORED else _fetched(payload, stored)
            for kind, payload in _pairs.decode(row)
        ]
    except (msgspec.MsgspecError, RecursionError) as e:
        raise _undecodable(e) from e


def _event(kind: str, payload: msgspec.Raw | bytes) -> JournalEvent:
    return _shape_of(kind)[1].decode(payload)


def _fetched(payload: msgspec.Raw, stored: Mapping[str, bytes]) -> JournalEvent:
    where = _stored_events.decode(payload)
    body = stored.get(where.name)
    if body is None:
        raise JournalUnreadable(f"An event that lies at {where.name} is not there.")
    return _event(where.kind, body)


def _shape_of(kind: str) -> _Shape:
    found = _SHAPES.get(kind)
    if found is None:
        raise JournalUnreadable(f"{kind!r} is no kind of event that this version knows.")
    return found


def _undecodable(error: Exception) -> JournalUnreadable:
    return JournalUnreadable(f"A row cannot be decoded: {error}")
