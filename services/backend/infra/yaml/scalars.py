"""YAML's scalars as JSON values."""

import math
import re

import yaml
from pydantic import JsonValue
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from services.backend.domain.apps.dsl_document import DslInvalid, refused

_TAG = "tag:yaml.org,2002:"
_LONGEST_NUMBER = 1000
"""Characters. The time to tell a longer one grows with its square, and readers refuse it."""
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?")
"""Such as a canvas is full of: places and sizes. YAML reads them as Python does."""
_LONGEST_KNOWN = 64
_MOST_KNOWN = 10_000
# The library's stubs leave the table without types: by first character, what else than text a
# plain scalar may be.
_SPECIAL = frozenset(Resolver.yaml_implicit_resolvers)


class Scalars:
    def __init__(self) -> None:
        self._resolver = Resolver()
        self._constructor = SafeConstructor()
        self._known: dict[str, JsonValue] = {}

    def value(self, event: yaml.ScalarEvent) -> JsonValue:
        """Dates and what JSON's numbers cannot say stay text. Raises DslInvalid for other tags."""
        tag, text = event.tag, event.value
        if tag is None or tag == "!":
            if not event.implicit[0] or text[:1] not in _SPECIAL:
                return text
            if (number := _NUMBER.fullmatch(text)) is not None:
                return float(text) if number[1] else int(text)
            # The same few words and numbers of other forms stand at every node.
            if text in self._known:
                return self._known[text]
            value = self._tagged(event, self._resolved(event))
            if len(text) <= _LONGEST_KNOWN and len(self._known) < _MOST_KNOWN:
                self._known[text] = value
            return value
        return self._tagged(event, tag)

    def _tagged(self, event: yaml.ScalarEvent, tag: str) -> JsonValue:
        node = yaml.ScalarNode(tag, event.value)
        try:
            match tag.removeprefix(_TAG):
                case "null":
                    return None
                case "bool":
                    return bool(self._constructor.construct_yaml_bool(node))
                case "int" | "float" if len(event.value) > _LONGEST_NUMBER:
                    raise refused_at(event, "a number is too long")
                case "int":
                    return int(self._constructor.construct_yaml_int(node))
                case "float":
                    number = float(self._constructor.construct_yaml_float(node))
                    return number if math.isfinite(number) else event.value
                case "str" | "timestamp" | "value" | "merge":
                    return event.value
                case other:
                    raise refused_at(event, f"values tagged {other!r} are not taken")
        except (ValueError, KeyError, IndexError, OverflowError) as error:
            raise refused_at(event, f"{event.value[:50]!r} is not what its tag says") from error

    def _resolved(self, event: yaml.ScalarEvent) -> str:
        # The library's stubs leave this method without types.
        found = self._resolver.resolve(  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            yaml.ScalarNode, event.value, event.implicit
        )
        return str(found)  # pyright: ignore[reportUnknownArgumentType]


def refused_at(event: yaml.Event, problem: str) -> DslInvalid:
    """The error for a place in the text."""
    mark = event.start_mark
    place = "" if mark is None else f" at line {mark.line + 1}, column {mark.column + 1}"
    return refused("", f"Invalid YAML{place}: {problem}")
