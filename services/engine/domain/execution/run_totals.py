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


@record
class RunTotalsSnapshot:
    """`RunTotals` at one moment."""

    total_tokens: int
    model_tokens: int
    usage: dict[str, Value]


class RunTotals:
    """`usage` is the sum of the nodes' model usage, empty before the first; prices are decimal
    strings, unit prices those of the last call. `model_tokens` are those of all model calls that
    were answered, also where their node has not ended, or failed."""

    __slots__ = ("model_tokens", "total_tokens", "usage")

    def __init__(self) -> None:
        self.total_tokens = 0
        self.model_tokens = 0
        self.usage: dict[str, Value] = {}

    def add(self, metadata: Mapping[str, Value], process_data: Mapping[str, Value]) -> None:
        """A node ended."""
        tokens = metadata.get("total_tokens")
        if isinstance(tokens, int):
            self.total_tokens += tokens
        usage = process_data.get("usage")
        if isinstance(usage, dict):
            self._add_usage(usage)

    def answered(self, result: Value) -> None:
        """A model call ended with this result."""
        usage = result.get("usage") if isinstance(result, dict) else None
        tokens = usage.get("total_tokens") if isinstance(usage, dict) else None
        if isinstance(tokens, int):
            self.model_tokens += tokens

    def snapshot(self) -> RunTotalsSnapshot:
        return RunTotalsSnapshot(
            total_tokens=self.total_tokens, model_tokens=self.model_tokens, usage={**self.usage}
        )

    def restore(self, saved: RunTotalsSnapshot) -> None:
        self.total_tokens, self.model_tokens = saved.total_tokens, saved.model_tokens
        self.usage = {**saved.usage}

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
