"""The bus's counters as Prometheus metrics."""

from libs.common.metrics import Metrics


class PrometheusBusMetrics:
    """Implements BusMetrics on a process's registry."""

    def __init__(self, metrics: Metrics) -> None:
        self._asked = metrics.histogram(
            "heddle_bus_request_seconds",
            "Requests and streams asked over the bus, to their last word.",
            ("subject", "outcome"),
        )
        self._served = metrics.histogram(
            "heddle_bus_served_seconds",
            "Requests, streams and durable messages handled for others.",
            ("subject", "outcome"),
        )
        self._buried = metrics.counter(
            "heddle_bus_dead_letters",
            "Durable messages given up and kept in the dead-letter stream.",
            ("stream", "consumer"),
        )

    def asked(self, subject: str, outcome: str, seconds: float) -> None:
        self._asked.labels(subject, outcome).observe(seconds)

    def served(self, subject: str, outcome: str, seconds: float) -> None:
        self._served.labels(subject, outcome).observe(seconds)

    def buried(self, stream: str, durable: str) -> None:
        self._buried.labels(stream, durable).inc()
