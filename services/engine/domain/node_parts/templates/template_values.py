"""The values inside a rendering template."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, Union

from services.engine.domain.node_parts.templates.budget import Budget, TemplateFailed

Key: TypeAlias = str | int | float | bool | None
TemplateValue: TypeAlias = Union[
    bool,
    int,
    float,
    str,
    list["TemplateValue"],
    tuple["TemplateValue", ...],
    dict[Key, "TemplateValue"],
    "Undefined",
    "Namespace",
    "LoopState",
    None,
]


class Undefined:
    """A name or an element that does not exist: prints as nothing, is false, has no items."""

    __slots__ = ("_hint",)

    def __init__(self, hint: str) -> None:
        self._hint = hint

    def refuse(self) -> TemplateFailed:
        """The error for using it as if it were there."""
        return TemplateFailed(f"{self._hint} is undefined", "UndefinedError")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Undefined)

    def __hash__(self) -> int:
        return hash(Undefined)

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "Undefined"


class Escaped(str):
    """Text that is HTML already."""

    __slots__ = ()


class OwnList(list[TemplateValue]):
    """A list that the template made itself, and may append to."""

    __slots__ = ()


class Namespace:
    """`namespace()`: names that keep what a loop assigns to them."""

    __slots__ = ("names",)

    def __init__(self, names: dict[str, TemplateValue]) -> None:
        self.names = names

    def __repr__(self) -> str:
        return "<Namespace>"


class LoopState:
    """`loop` inside a `for`."""

    __slots__ = ("index0", "items")

    def __init__(self, items: list[TemplateValue]) -> None:
        self.items = items
        self.index0 = 0

    def attribute(self, name: str) -> TemplateValue:
        read = _LOOP_ATTRIBUTES.get(name)
        return Undefined(f"'loop' has no attribute '{name}', which") if read is None else read(self)

    def __repr__(self) -> str:
        return f"<LoopContext {self.index0 + 1}/{len(self.items)}>"


def _previous(loop: LoopState) -> TemplateValue:
    at = loop.index0 - 1
    return loop.items[at] if at >= 0 else Undefined("there is no previous item, it")


def _next(loop: LoopState) -> TemplateValue:
    at = loop.index0 + 1
    return loop.items[at] if at < len(loop.items) else Undefined("there is no next item, it")


# Only a recursive loop is ever deeper than 1, and there are none here.
_LOOP_ATTRIBUTES: dict[str, Callable[[LoopState], TemplateValue]] = {
    "index": lambda loop: loop.index0 + 1,
    "index0": lambda loop: loop.index0,
    "revindex": lambda loop: len(loop.items) - loop.index0,
    "revindex0": lambda loop: len(loop.items) - loop.index0 - 1,
    "first": lambda loop: loop.index0 == 0,
    "last": lambda loop: loop.index0 == len(loop.items) - 1,
    "length": lambda loop: len(loop.items),
    "depth": lambda loop: 1,
    "depth0": lambda loop: 0,
    "previtem": _previous,
    "nextitem": _next,
}


FilterFunction = Callable[..., TemplateValue]
"""`(tools, value, *arguments)`, with the argument names that templates use."""
TestFunction = Callable[..., bool]


@dataclass(frozen=True, slots=True)
class Tools:
    """What every part of a rendering shares."""

    budget: Budget
    filters: Mapping[str, FilterFunction]
    tests: Mapping[str, TestFunction]


class Frame:
    """Names in reach: this block's own, then its surroundings'."""

    __slots__ = ("names", "parent", "tools")

    def __init__(
        self, tools: Tools, names: dict[str, TemplateValue], parent: "Frame | None" = None
    ) -> None:
        self.tools = tools
        self.names = names
        self.parent = parent

    def lookup(self, name: str) -> TemplateValue:
        frame: Frame | None = self
        while frame is not None:
            if name in frame.names:
                return frame.names[name]
            frame = frame.parent
        return Undefined(f"'{name}'")


Expression = Callable[[Frame], TemplateValue]
Statement = Callable[[Frame, list[str]], None]


def weigh(budget: Budget, value: TemplateValue) -> None:
    """Pay for walking all of `value`, before something does. Shared parts count each time."""
    if not isinstance(value, (list, tuple, dict)):
        if isinstance(value, str):
            budget.produce(len(value))
        return
    pending: list[TemplateValue] = [value]
    while pending:
        budget.spend(1)
        item = pending.pop()
        if isinstance(item, str):
            budget.produce(len(item))
        elif isinstance(item, (list, tuple)):
            pending.extend(item)
        elif isinstance(item, dict):
            pending.extend(item.values())


def to_text(budget: Budget, value: TemplateValue) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Undefined):
        return ""
    weigh(budget, value)
    return str(value)


def to_items(budget: Budget, value: TemplateValue) -> list[TemplateValue]:
    """What a loop over `value` sees. Raises TemplateFailed for what cannot be looped over."""
    if isinstance(value, Undefined):
        return []
    if isinstance(value, (str, list, tuple, dict)):
        budget.spend(len(value))
        return list(value)
    raise TemplateFailed(f"'{type(value).__name__}' object is not iterable", "TypeError")
