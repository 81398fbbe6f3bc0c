"""The state store's counters as Prometheus metrics."""

from libs.common.metrics import Metrics


class PrometheusStoreMetrics:
    """Implements StoreMetrics on a process' registry."""

    def __init__(self, metrics: Metrics) -> None:
        self._lookups = metrics.counter(
            "heddle_state_lookups",
            "Lookups in a tier of the state store.",
            ("tier", "namespace", "outcome"),
        )
        self._failures = metrics.counter(
            "heddle_state_tier_failures",
            "Times that a tier of the state store did not answer.",
            ("tier", "namespace"),
        )
        self._seconds = metrics.histogram(
            "heddle_state_lookup_seconds",
            "Time that a tier took to answer.",
            ("tier", "namespace"),
        )

    def looked(self, tier: str, namespace: str, hit: bool, seconds: float) -> None:
        self._lookups.labels(tier, namespace, "hit" if hit else "miss").inc()
        if tier != "memory":
            self._seconds.labels(tier, namespace).observe(seconds)

    def failed(self, tier: str, namespace: str) -> None:
        self._failures.labels(tier, namespace).inc()
