"""All that a tool's handler may see: the one module of Heddle that bundles import."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pydantic import JsonValue

JsonObject = Mapping[str, JsonValue]


class ToolFailure(Exception):
    """The tool cannot do what was asked; the message is shown to the caller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutput:
    """`text` for people and models, `data` for programs. `data` must fit the output schema."""

    text: str
    data: JsonValue = None


class ToolLog(Protocol):
    """Structured logging; values must not hold secrets."""

    def info(self, event: str, **values: JsonValue) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext:
    """What one call may use. `now` is the instant of the call, timezone-aware UTC; credentials are
    in the clear and live only as long as the call."""

    now: datetime
    log: ToolLog
    credentials: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


ToolHandler = Callable[[JsonObject, ToolContext], Awaitable[ToolOutput]]
