"""A document's text with some of its values emptied, and everything else as it stood."""

import copy
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import yaml
from pydantic import JsonValue

from services.backend.domain.apps.dsl_document import DslInvalid
from services.backend.infra.yaml.compose import build

Place = tuple[str | int, ...]
_EMPTY = '""'


@dataclass(slots=True)
class _Open:
    """A collection being read; `at` is the key or position of what comes next, None where a key
    is awaited."""

    is_list: bool
    at: str | int | None = None

    def passed(self) -> None:
        """A value has ended."""
        self.at = self.at + 1 if isinstance(self.at, int) else None


def blanked(source: bytes, document: JsonValue, places: Collection[Place]) -> bytes:
    """`source`, which reads as `document`, with an empty text at `places`.

    Where the text alone cannot be cut right (values by alias or merge), the document is written
    anew as JSON, which is YAML.
    """
    wanted = _emptied(document, places)
    try:
        text = source.decode("utf-8-sig")
        cut = _cut(text, _spans(text, places)).encode()
        if build(cut).root == wanted:
            return cut
    except (UnicodeDecodeError, DslInvalid, yaml.YAMLError):
        pass
    return json.dumps(wanted, ensure_ascii=False, indent=2).encode("utf-8", "surrogatepass")


def _emptied(document: JsonValue, places: Iterable[Place]) -> JsonValue:
    emptied = copy.deepcopy(document)
    for *way, last in places:
        holder = emptied
        for part in way:
            holder = _inside(holder, part)
        if isinstance(holder, dict) and isinstance(last, str):
            holder[last] = ""
    return emptied


def _inside(value: JsonValue, part: str | int) -> JsonValue:
    if isinstance(value, dict) and isinstance(part, str):
        return value.get(part)
    if isinstance(value, list) and isinstance(part, int):
        return value[part]
    return None


def _cut(text: str, spans: Iterable[tuple[int, int]]) -> str:
    pieces: list[str] = []
    end = 0
    for start, stop in spans:
        # A block of lines ends at the beginning of the next one.
        line_end = "\n" if text[start:stop].endswith("\n") else ""
        pieces += [text[end:start], _EMPTY, line_end]
        end = stop
    return "".join([*pieces, text[end:]])


def _spans(text: str, places: Collection[Place]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    way: list[_Open] = []
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        match event:
            case yaml.SequenceStartEvent():
                way.append(_Open(is_list=True, at=0))
            case yaml.MappingStartEvent():
                way.append(_Open(is_list=False))
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                way.pop()
                _passed(way)
            case yaml.ScalarEvent():
                inner = way[-1] if way else None
                if inner is not None and inner.at is None:
                    inner.at = event.value
                    continue
                start, stop = event.start_mark, event.end_mark
                if start and stop and tuple(each.at for each in way) in places:
                    spans.append((start.index, stop.index))
                _passed(way)
            case yaml.AliasEvent():
                _passed(way)
            case _:
                pass
    return spans


def _passed(way: list[_Open]) -> None:
    if way:
        way[-1].passed()
