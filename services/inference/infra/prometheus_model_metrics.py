"""Generations as Prometheus metrics."""

from libs.common.metrics import Metrics


class PrometheusModelMetrics:
    """Implements ModelMetrics on a process's registry."""

    def __init__(self, metrics: Metrics) -> None:
        self._seconds = metrics.histogram(
            "heddle_model_call_seconds",
            "Upstream model calls, to their last part.",
            ("provider", "model", "outcome"),
        )
        self._first = metrics.histogram(
            "heddle_model_first_part_seconds",
            "From the start of an upstream model call to its first content.",
            ("provider", "model"),
        )
        self._tokens = metrics.counter(
            "heddle_model_tokens",
            "Tokens of model calls, as counted by the provider or else estimated.",
            ("provider", "model", "direction"),
        )

    def ended(self, provider: str, model: str, outcome: str, seconds: float) -> None:
        self._seconds.labels(provider, model, outcome).observe(seconds)

    def began_to_answer(self, provider: str, model: str, seconds: float) -> None:
        self._first.labels(provider, model).observe(seconds)

    def used(self, provider: str, model: str, prompt: int, completion: int) -> None:
        self._tokens.labels(provider, model, "input").inc(prompt)
        self._tokens.labels(provider, model, "output").inc(completion)
