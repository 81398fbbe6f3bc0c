"""http-request: one outgoing request; any answer is a success unless failures are handled."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from libs.common.contracts.http_call import HttpCall, HttpResult
from services.engine.domain.node_parts.effects import EffectError, FetchHttp
from services.engine.domain.node_parts.expected_result import expect
from services.engine.domain.node_parts.file_sources import stored_file
from services.engine.domain.node_parts.http_request_building import (
    RequestRefused,
    RequestTemplate,
    parse_request,
)
from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeFailure,
    NodeResult,
    NodeRun,
    OutputTypes,
    Problem,
)
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.types import ValueType
from services.engine.domain.variables.values import Selector, Value

_OWN_WORDS = frozenset({"OutcomeUnknown"})
"""Failures of the platform that keep their type; every other one is the request's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequestNode:
    """`strict`: an answer outside 200-299 is a failure, because the author handles failures."""

    request: RequestTemplate
    effect_class: Literal["idempotent", "keyed", "unsafe"]
    strict: bool
    problems: tuple[Problem, ...] = ()

    @property
    def references(self) -> tuple[Selector, ...]:
        return self.request.references

    @property
    def output_types(self) -> OutputTypes:
        return {
            "status_code": ValueType.NUMBER,
            "body": ValueType.STRING,
            "headers": ValueType.OBJECT,
            "files": ValueType.ARRAY_FILE,
        }

    def run(self, context: NodeContext) -> NodeRun:
        try:
            call = self.request.build(context.variables)
        except RequestRefused as refused:
            raise NodeFailure(str(refused), error_type=refused.error_type) from refused
        # Headers and body stay out: they may hold credentials.
        process_data: dict[str, Value] = {"request": f"{call.method} {call.url}"}
        try:
            answer = expect(HttpResult, (yield self._effect(call)))
        except EffectError as error:
            kept = error.error_type in _OWN_WORDS
            raise NodeFailure(
                error.message,
                error_type=error.error_type if kept else "HttpRequestNodeError",
                process_data=process_data,
            ) from error
        outputs: dict[str, Value] = {
            "status_code": answer.status_code,
            "body": "" if answer.is_file else answer.text,
            "headers": dict(answer.headers),
            "files": _files(answer),
        }
        if self.strict and not 200 <= answer.status_code < 300:
            raise NodeFailure(
                f"Request failed with status code {answer.status_code}",
                error_type="HTTPResponseCodeError",
                process_data=process_data,
                outputs=outputs,
            )
        return NodeResult(outputs=outputs, process_data=process_data)

    def _effect(self, call: HttpCall) -> FetchHttp:
        seconds = call.connect_seconds + call.read_seconds + call.write_seconds
        return FetchHttp(call=call, effect_class=self.effect_class, timeout_seconds=seconds)


def _files(answer: HttpResult) -> list[Value]:
    if answer.object_key is None:
        return []
    return [
        stored_file(
            answer.object_key,
            filename=answer.filename or urlsplit(answer.url).path.rpartition("/")[2],
            mime_type=answer.content_type,
            size=answer.size,
            url=answer.file_url,
        )
    ]


def parse_http_request(node_id: str, data: Mapping[str, Value]) -> HttpRequestNode:
    """`idempotent_target: true` says that the target honours `Idempotency-Key`."""
    settings = SettingsReader(data)
    request = parse_request(settings)
    keyed = settings.flag("idempotent_target")
    effect_class: Literal["idempotent", "keyed", "unsafe"] = "keyed" if keyed else "unsafe"
    if request.method in ("GET", "HEAD"):
        effect_class = "idempotent"
    strategy = settings.text("error_strategy", "none")
    retry = settings.section("retry_config").flag("retry_enabled")
    return HttpRequestNode(
        request=request,
        effect_class=effect_class,
        strict=retry or strategy not in ("", "none"),
        problems=settings.problems,
    )
