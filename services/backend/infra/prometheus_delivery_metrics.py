"""Telling people as Prometheus metrics."""

from libs.common.contracts.form_deliveries import Channel
from libs.common.metrics import Metrics
from services.backend.app.ports.delivery_metrics import Outcome


class PrometheusDeliveryMetrics:
    """Implements DeliveryMetrics on a process's registry."""

    def __init__(self, metrics: Metrics) -> None:
        self._tries = metrics.counter(
            "heddle_form_deliveries",
            "Tries to tell people of forms; untold: there is no mail server.",
            ("channel", "outcome"),
        )

    def tried(self, channel: Channel, outcome: Outcome) -> None:
        self._tries.labels(channel, outcome).inc()
