"""The shape of small data that a run makes by the thousand."""

from dataclasses import Field, dataclass, field
from types import GenericAlias
from typing import TypeVar, cast, dataclass_transform, get_origin

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def record(kind: type[T]) -> type[T]:
    """A keyword-only dataclass with slots that the type checker keeps frozen.

    Not frozen at run time: that makes every construction three times as dear, and construction is
    most of what a run does with its events.
    """
    return _made(kind)


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
def mutable_record(kind: type[T]) -> type[T]:
    """The same for what changes."""
    return _made(kind)


def _made(kind: type[T]) -> type[T]:
    for value in vars(kind).values():
        if isinstance(value, Field):
            made = cast("Field[object]", value)
            # `list[int]()` takes seven times as long as `list()`, and makes the same.
            if isinstance(made.default_factory, GenericAlias):
                made.default_factory = get_origin(made.default_factory)
    return dataclass(slots=True, kw_only=True)(kind)
