"""What is counted of generations."""

from typing import Protocol


class ModelMetrics(Protocol):
    """`model` is a sheet's own name, `*` for one that only a wildcard covers. `outcome` is `ok`,
    `closed` (nobody wanted it any more), or the stable code of the error."""

    def ended(self, provider: str, model: str, outcome: str, seconds: float) -> None:
        """An upstream call is over."""
        ...

    def began_to_answer(self, provider: str, model: str, seconds: float) -> None:
        """Its first content came after `seconds`."""
        ...

    def used(self, provider: str, model: str, prompt: int, completion: int) -> None:
        """The tokens it took."""
        ...


class _NoMetrics:
    def ended(self, provider: str, model: str, outcome: str, seconds: float) -> None:
        """Count nothing."""

    def began_to_answer(self, provider: str, model: str, seconds: float) -> None:
        """Count nothing."""

    def used(self, provider: str, model: str, prompt: int, completion: int) -> None:
        """Count nothing."""


NO_MODEL_METRICS: ModelMetrics = _NoMetrics()
