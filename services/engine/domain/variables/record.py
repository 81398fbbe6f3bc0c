"""The shape of small data that a run makes by the thousand."""

from dataclasses import MISSING, Field, field
from typing import Any, TypeVar, cast, dataclass_transform, get_origin

import msgspec

T = TypeVar("T")

_OF_A_CLASS = {"__dict__", "__weakref__"}


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def record(kind: type[T]) -> type[T]:
    """Keyword-only data with slots that the type checker keeps frozen.

    Not frozen at run time, and not a dataclass: construction is most of what a run does with its
    events, and these are made in a third of the time, and written as JSON in half of it.
    """
    return _made(kind)


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
def mutable_record(kind: type[T]) -> type[T]:
    """The same for what changes."""
    return _made(kind)


@dataclass_transform(kw_only_default=True, eq_default=False, field_specifiers=(field,))
def entity(kind: type[T]) -> type[T]:
    """The same for what is itself, whatever it holds."""
    return _made(kind, eq=False)


def changed(each: T, **changes: object) -> T:
    """A copy of a record with other values in some of its fields."""
    return cast("T", msgspec.structs.replace(cast("msgspec.Struct", each), **changes))


def fields_of(each: object) -> dict[str, object]:
    """What a record holds, by name."""
    return msgspec.structs.asdict(cast("msgspec.Struct", each))


def _made(kind: type[T], *, eq: bool = True) -> type[T]:
    body = {name: _default(value) for name, value in vars(kind).items() if name not in _OF_A_CLASS}
    # Its metaclass, called as a class statement would: no stub knows its arguments.
    new: Any = type(msgspec.Struct)
    return cast("type[T]", new(kind.__name__, (msgspec.Struct,), body, kw_only=True, eq=eq))


def _default(value: object) -> object:
    if not isinstance(value, Field):
        return value
    made = cast("Field[object]", value)
    if made.default_factory is MISSING:
        return msgspec.field(default=made.default)
    # `list[int]()` takes seven times as long as `list()`, and makes the same.
    return msgspec.field(default_factory=get_origin(made.default_factory) or made.default_factory)
