"""One upstream model call as a span and in the metrics; never what was said in it."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from uuid import UUID

from libs.common.outcomes import outcome_told
from libs.common.tracing import AttributeValue, begin_span, current_traceparent, ending
from services.inference.app.ports.model_metrics import ModelMetrics
from services.inference.domain.catalogue.catalogue import ResolvedModel
from services.inference.domain.chat.upstream_part import TokenCount


class WatchedGeneration:
    """`key` is the effect's, "" for a call without one."""

    def __init__(
        self, model: ResolvedModel, metrics: ModelMetrics, tenant_id: UUID | None, key: str
    ) -> None:
        self._metrics = metrics
        self._provider = model.provider.id
        # The sheet's name: a wildcard covers whatever callers ask for, and that is no label.
        self._label = model.sheet.id
        self._begun = time.perf_counter()
        self._answering = False
        self._span = begin_span(
            f"chat {model.upstream_name}", "client", _attributes(model, tenant_id, key)
        )

    @property
    def traceparent(self) -> str | None:
        """What the provider is told."""
        return self._span.traceparent if self._span else current_traceparent()

    @contextmanager
    def until_ended(self) -> Generator[None]:
        """Around the call."""

        def told(outcome: str, seconds: float) -> None:
            self._metrics.ended(self._provider, self._label, outcome, seconds)

        with outcome_told(told), ending(self._span):
            yield

    def first_part(self) -> None:
        """Content came; only the first time counts."""
        if not self._answering:
            self._answering = True
            seconds = time.perf_counter() - self._begun
            self._metrics.began_to_answer(self._provider, self._label, seconds)

    def finished(self, tokens: TokenCount, reason: str | None) -> None:
        """The provider has said its last word."""
        self._metrics.used(self._provider, self._label, tokens.prompt, tokens.completion)
        if self._span is not None:
            self._span.attributes |= {
                "gen_ai.usage.input_tokens": tokens.prompt,
                "gen_ai.usage.output_tokens": tokens.completion,
                "gen_ai.response.finish_reasons": (reason or "stop",),
            }


def _attributes(
    model: ResolvedModel, tenant_id: UUID | None, key: str
) -> dict[str, AttributeValue]:
    attributes: dict[str, AttributeValue] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": model.provider.id,
        "gen_ai.request.model": model.upstream_name,
    }
    if tenant_id is not None:
        attributes["heddle.tenant.id"] = str(tenant_id)
    if key:
        attributes["heddle.effect.key"] = key
    return attributes
