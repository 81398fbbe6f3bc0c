"""A YAML document as JSON, built event by event.

The C composer would hold the interpreter for as long as a document takes; here other threads run
between any two events, and nothing but the values themselves is built.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import yaml
from pydantic import JsonValue
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    ScalarEvent,
    SequenceStartEvent,
)

from services.backend.domain.apps.dsl_document import refused
from services.backend.infra.yaml.scalars import Scalars, refused_at

_MOST_NESTED = 100
_MOST_VALUES = 1_000_000
_POSITIONED_DEPTH = 3
_MERGE = "<<"


@dataclass(slots=True)
class _Open:
    """A collection being read. `key` waits for its value; `begun` values stood before it."""

    value: list[JsonValue] | dict[str, JsonValue]
    anchor: str | None
    begun: int
    pointer: str | None
    is_mapping: bool
    key: str | None = None
    merged: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])


@dataclass(slots=True)
class _Anchored:
    value: JsonValue
    size: int


class DocumentBuilder:
    """`root` is the document, `positions` line and column, from 1, of its upper levels by JSON
    pointer. An alias counts as much as what it stands for, so that a small text cannot unfold to a
    large document."""

    def __init__(self) -> None:
        self.root: JsonValue = None
        self.positions: dict[str, tuple[int, int]] = {}
        self._documents = 0
        self._values = 0
        self._scalars = Scalars()
        self._anchors: dict[str, _Anchored] = {}
        self._open: list[_Open] = []

    def add(self, event: Event) -> None:
        """Take in the next event. Raises DslInvalid naming line and column."""
        if isinstance(event, CollectionEndEvent):
            self._end(event)
        elif isinstance(event, CollectionStartEvent):
            self._begin(event)
        elif isinstance(event, ScalarEvent):
            self._scalar(event)
        elif isinstance(event, AliasEvent):
            self._alias(event)
        elif isinstance(event, DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise refused_at(event, "there is more than one document")

    def _alias(self, event: AliasEvent) -> None:
        known = self._anchors.get(event.anchor or "")
        if known is None:
            inside = any(each.anchor == event.anchor for each in self._open)
            problem = "stands inside its own anchor" if inside else "has no anchor"
            raise refused_at(event, f"the alias {event.anchor!r} {problem}")
        self._count(event, known.size)
        self._place(event, known.value)

    def add_all(self, events: Callable[[], Event | None]) -> None:
        """`add` for each, up to the last. What is most frequent by far is done here: a large
        document has tens of thousands of plain texts, as keys and deep down as values."""
        value_of, opened = self._scalars.value, self._open
        while (event := events()) is not None:
            if type(event) is not ScalarEvent or not opened or self._values >= _MOST_VALUES:
                self.add(event)
                continue
            parent = opened[-1]
            into, key = parent.value, parent.key
            if key is None and parent.is_mapping:
                parent.key = event.value
            elif parent.pointer is not None or event.anchor is not None or key == _MERGE:
                self.add(event)
                continue
            elif isinstance(into, list):
                into.append(value_of(event))
            elif key is not None:
                into[key] = value_of(event)
                parent.key = None
            self._values += 1

    def _scalar(self, event: ScalarEvent) -> None:
        self._count(event, 1)
        if self._open:
            parent = self._open[-1]
            if parent.key is None and parent.is_mapping:
                parent.key = event.value
                return
        value = self._scalars.value(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(value, 1)
        self._pointer(event)
        self._place(event, value)

    def _begin(self, event: CollectionStartEvent) -> None:
        self._count(event, 1)
        if len(self._open) >= _MOST_NESTED:
            raise refused_at(event, f"the document nests more than {_MOST_NESTED} deep")
        if event.tag not in (None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
            raise refused_at(event, f"values tagged {event.tag!r} are not taken")
        if self._open and self._open[-1].is_mapping and self._open[-1].key is None:
            raise refused_at(event, "a key must be plain text")
        deep = len(self._open) > _POSITIONED_DEPTH
        pointer = None if deep else self._pointer(event)
        mapping = type(event) is not SequenceStartEvent
        value: list[JsonValue] | dict[str, JsonValue] = {} if mapping else []
        self._open.append(_Open(value, event.anchor, self._values - 1, pointer, mapping))

    def _end(self, event: Event) -> None:
        done = self._open.pop()
        value = done.value
        if isinstance(value, dict) and done.merged:
            value = {**done.merged, **value}
        if done.anchor is not None:
            self._anchors[done.anchor] = _Anchored(value, self._values - done.begun)
        self._place(event, value)

    def _place(self, event: Event, value: JsonValue) -> None:
        if not self._open:
            self.root = value
            return
        parent = self._open[-1]
        if isinstance(parent.value, list):
            parent.value.append(value)
        elif parent.key is None:
            raise refused_at(event, "a key must be plain text")
        else:
            if parent.key == _MERGE:
                _merge(event, parent.merged, value)
            else:
                parent.value[parent.key] = value
            parent.key = None

    def _pointer(self, event: Event) -> str | None:
        if len(self._open) > _POSITIONED_DEPTH:
            return None
        if not self._open:
            pointer = ""
        else:
            parent = self._open[-1]
            if parent.pointer is None:
                return None
            part = str(len(parent.value)) if isinstance(parent.value, list) else parent.key
            pointer = f"{parent.pointer}/{part}"
        mark = event.start_mark
        if mark is not None:
            self.positions[pointer] = (mark.line + 1, mark.column + 1)
        return pointer

    def _count(self, event: Event, values: int) -> None:
        self._values += values
        if self._values > _MOST_VALUES:
            raise refused_at(event, "the document unfolds to too many values")


def _merge(event: Event, into: dict[str, JsonValue], value: JsonValue) -> None:
    for source in reversed(value if isinstance(value, list) else [value]):
        if not isinstance(source, dict):
            raise refused_at(event, "only a mapping can be merged")
        into.update(source)


def build(source: bytes) -> DocumentBuilder:
    """The whole document. Raises DslInvalid naming line and column."""
    builder = DocumentBuilder()
    try:
        builder.add_all(yaml.CSafeLoader(source).get_event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = "" if mark is None else f" at line {mark.line + 1}, column {mark.column + 1}"
        raise refused("", f"Invalid YAML{place}: {error.problem or error.context}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise refused("", f"Invalid YAML: {' '.join(str(error).split())[:200]}") from error
    return builder
