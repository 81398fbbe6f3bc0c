"""What the state store counts."""

from typing import Protocol


class StoreMetrics(Protocol):
    """`tier` is memory, redis, postgres or bus."""

    def looked(self, tier: str, namespace: str, hit: bool, seconds: float) -> None:
        """A tier was asked for a value."""
        ...

    def failed(self, tier: str, namespace: str) -> None:
        """A tier did not answer; the store went on without it."""
        ...


class _NoMetrics:
    def looked(self, tier: str, namespace: str, hit: bool, seconds: float) -> None:
        """Count nothing."""

    def failed(self, tier: str, namespace: str) -> None:
        """Count nothing."""


NO_METRICS: StoreMetrics = _NoMetrics()
