"""The shape of small data that a run makes by the thousand."""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def record(kind: type[T]) -> type[T]:
    """A keyword-only dataclass with slots that the type checker keeps frozen.

    Not frozen at run time: that makes every construction three times as dear, and construction is
    most of what a run does with its events.
    """
    return dataclass(slots=True, kw_only=True)(kind)
