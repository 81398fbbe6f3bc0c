"""Metrics of one process in Prometheus' format: base units, no ids in labels."""

from collections.abc import Callable, Iterator, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

SECONDS_BUCKETS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
    300.0, 1200.0,
)  # fmt: skip
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """A registry. Asking for the same name twice gives the same metric.

    Counters are named without `_total`, which the format adds; durations end in `_seconds`, sizes
    in `_bytes`.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}

    def counter(self, name: str, meaning: str, labels: Sequence[str] = ()) -> Counter:
        found = self._counters.get(name)
        if found is None:
            found = self._counters[name] = Counter(name, meaning, labels, registry=self.registry)
        return found

    def gauge(self, name: str, meaning: str, labels: Sequence[str] = ()) -> Gauge:
        found = self._gauges.get(name)
        if found is None:
            found = self._gauges[name] = Gauge(name, meaning, labels, registry=self.registry)
        return found

    def histogram(
        self,
        name: str,
        meaning: str,
        labels: Sequence[str] = (),
        buckets: Sequence[float] = SECONDS_BUCKETS,
    ) -> Histogram:
        found = self._histograms.get(name)
        if found is None:
            found = self._histograms[name] = Histogram(
                name, meaning, labels, buckets=buckets, registry=self.registry
            )
        return found

    def read_counter(self, name: str, meaning: str, read: Callable[[], float]) -> None:
        """A counter that somebody keeps anyway: read when the metrics are, free until then."""
        self.registry.register(_ReadCounter(name, meaning, read))

    def read_gauge(self, name: str, meaning: str, read: Callable[[], float]) -> None:
        """A gauge that is read when the metrics are."""
        self.gauge(name, meaning).set_function(read)

    def exposition(self) -> bytes:
        """Everything, as `/metrics` shows it."""
        return generate_latest(self.registry)


class _ReadCounter(Collector):
    def __init__(self, name: str, meaning: str, read: Callable[[], float]) -> None:
        self._name = name
        self._meaning = meaning
        self._read = read

    def collect(self) -> Iterator[CounterMetricFamily]:
        yield CounterMetricFamily(self._name, self._meaning, value=self._read())
