"""A line of log for every event of a run."""

import json
from collections.abc import Callable, Mapping
from typing import Literal, cast

from services.engine.domain.events.journal import EVENT_TYPES, JournalEvent
from services.engine.domain.layers.layer import Listener, ObservedRun, Order, RunView
from services.engine.domain.variables.record import fields_of
from services.engine.domain.variables.values import Value

Detail = Literal["off", "events", "values"]
WriteLine = Callable[[Mapping[str, object]], None]

LONGEST = 2_000
"""Characters of one value, as JSON, that a line shows."""

_PLACE = frozenset(
    {"at", "node_id", "frame", "index", "attempt", "call", "key", "status", "handled"}
)
"""Fields that hold nothing of what users wrote."""


class DebugLog:
    """`detail` events: what happened, where and when; values: also what it happened with, with the
    run's secrets masked and each value cut at 2,000 characters. `write` takes a line."""

    name = "debug_log"

    def __init__(self, detail: Detail, write: WriteLine) -> None:
        self._detail: Detail = detail
        self._write = write

    def listener(self, run: ObservedRun) -> Listener | None:
        return None if self._detail == "off" else _Lines(run, self._detail, self._write)


class _Lines:
    hears = EVENT_TYPES

    def __init__(self, run: ObservedRun, detail: Detail, write: WriteLine) -> None:
        self._run = run
        self._values = detail == "values"
        self._write = write

    def hear(self, seq: int, event: JournalEvent, run: RunView) -> Order | None:
        line: dict[str, object] = {
            "tenant_id": str(self._run.tenant_id),
            "run_id": str(self._run.run_id),
            "epoch": self._run.epoch,
            "seq": seq,
            "kind": type(event).__name__,
            "steps": run.steps,
        }
        for name, value in fields_of(event).items():
            if name in _PLACE:
                line[name] = value
            elif self._values and value is not None:
                line[name] = self._shown(cast("Value", value))
        if (label := self._run.labels.get(str(line.get("node_id")))) is not None:
            line["node_type"] = label.type
        self._write(line)
        return None

    def _shown(self, value: Value) -> str:
        # Masked as a whole and then cut: a cut may leave the half of a secret.
        mask = self._run.mask
        masked = value if mask is None else mask.values({"": value})[""]
        text = masked if isinstance(masked, str) else json.dumps(masked, ensure_ascii=False)
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)"
