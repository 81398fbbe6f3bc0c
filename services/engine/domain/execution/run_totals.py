"""What a run adds up over its nodes."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from services.engine.domain.variables.record import record
from services.engine.domain.variables.values import Value

_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")
_PRICES = ("prompt_price", "completion_price", "total_price")
_KEPT = (
    "prompt_unit_price",
    "prompt_price_unit",
    "completion_unit_price",
    "completion_price_unit",
    "currency",
)
_TAKING = frozenset({"model", "child"})
"""The classes of effects whose results count against the run's limits."""


@record
class RunTotalsSnapshot:
    """`RunTotals` at one moment."""

    total_tokens: int
    model_tokens: int
    usage: dict[str, Value]
    child_steps: int = 0


class RunTotals:
    """`usage` is the sum of the nodes' model usage, empty before the first; prices are decimal
    strings, unit prices those of the last call. `model_tokens` are those of all model calls that
    were answered, also where their node has not ended, or failed, and of the runs that it called;
    `child_steps` are the steps of these. Both count against the run's limits."""

    __slots__ = ("child_steps", "model_tokens", "total_tokens", "usage")

    def __init__(self) -> None:
        self.total_tokens = 0
        self.model_tokens = 0
        self.usage: dict[str, Value] = {}
        self.child_steps = 0

    def add(self, metadata: Mapping[str, Value], process_data: Mapping[str, Value]) -> None:
        """A node ended."""
        tokens = metadata.get("total_tokens")
        if isinstance(tokens, int):
            self.total_tokens += tokens
        usage = process_data.get("usage")
        if isinstance(usage, dict):
            self._add_usage(usage)

    def answered(self, effect_class: str, result: Value) -> None:
        """An effect ended with this result."""
        if effect_class not in _TAKING or not isinstance(result, dict):
            return
        steps, tokens = result.get("total_steps"), result.get("model_tokens")
        if effect_class == "model":
            usage = result.get("usage")
            tokens = usage.get("total_tokens") if isinstance(usage, dict) else None
        if isinstance(tokens, int):
            self.model_tokens += tokens
        if isinstance(steps, int):
            self.child_steps += steps

    def snapshot(self) -> RunTotalsSnapshot:
        return RunTotalsSnapshot(
            total_tokens=self.total_tokens,
            model_tokens=self.model_tokens,
            usage={**self.usage},
            child_steps=self.child_steps,
        )

    def restore(self, saved: RunTotalsSnapshot) -> None:
        self.total_tokens, self.model_tokens = saved.total_tokens, saved.model_tokens
        self.usage, self.child_steps = {**saved.usage}, saved.child_steps

    def _add_usage(self, usage: Mapping[str, Value]) -> None:
        total = self.usage
        for name in _COUNTS:
            total[name] = int(_decimal(total.get(name)) + _decimal(usage.get(name)))
        for name in _PRICES:
            total[name] = format(_decimal(total.get(name)) + _decimal(usage.get(name)), "f")
        for name in _KEPT:
            if name in usage:
                total[name] = usage[name]
        latency = usage.get("latency")
        before = total.get("latency")
        if isinstance(latency, int | float):
            total["latency"] = latency + (before if isinstance(before, int | float) else 0.0)


def _decimal(value: Value) -> Decimal:
    if isinstance(value, str | int | float):
        try:
            return Decimal(str(value))
        except InvalidOperation:
            pass
    return Decimal(0)
