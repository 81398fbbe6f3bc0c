"""trigger-webhook: a run that begins with an HTTP request."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeResult,
    OutputTypes,
    Problem,
)
from services.engine.domain.node_parts.pure_node import PureNode
from services.engine.domain.node_parts.run_outputs import run_outputs
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.selectors import SYSTEM
from services.engine.domain.variables.types import ValueType, named_type
from services.engine.domain.variables.values import Selector, Value

_PAYLOAD = "webhook_data"
_RAW = "_webhook_raw"
_METHODS = frozenset({"get", "post", "head", "patch", "put", "delete"})
_TEXT = "text/plain"
_BINARY = "application/octet-stream"
_FORM = "multipart/form-data"
_URLENCODED = "application/x-www-form-urlencoded"
_CONTENT_TYPES = ("application/json", _FORM, _URLENCODED, _TEXT, _BINARY)
_WRITTEN = frozenset({ValueType.STRING, ValueType.NUMBER, ValueType.BOOLEAN})
"""Types of what comes as text."""
_TYPES = _WRITTEN | {
    ValueType.OBJECT,
    ValueType.ARRAY_STRING,
    ValueType.ARRAY_NUMBER,
    ValueType.ARRAY_BOOLEAN,
    ValueType.ARRAY_OBJECT,
    ValueType.FILE,
}
_LEAST_STATUS, _MOST_STATUS = 200, 399


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerWebhookNode(PureNode):
    """`headers` are outputs under their names with underscores; their case does not matter."""

    content_type: str
    headers: tuple[str, ...]
    params: Mapping[str, ValueType]
    body: Mapping[str, ValueType]
    references: tuple[Selector, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def output_types(self) -> OutputTypes:
        return {
            **{_output_of(name): ValueType.STRING for name in self.headers},
            **self.params,
            **{name: self._type_of(kind) for name, kind in self.body.items()},
            _RAW: ValueType.OBJECT,
        }

    def doubts(self, name: str) -> str | None:
        if name.startswith(f"{SYSTEM}."):
            return None
        return (
            f"an output that the webhook does not declare (it has: {', '.join(self.output_types)})"
        )

    def evaluate(self, context: NodeContext) -> NodeResult:
        """What of the request is declared, null where it did not come, and all of it as it came."""
        payload = _mapping(context.inputs.get(_PAYLOAD))
        headers = {
            _output_of(name).lower(): value
            for name, value in _mapping(payload.get("headers")).items()
        }
        params = _mapping(payload.get("query_params"))
        outputs: dict[str, Value] = {
            _output_of(name): headers.get(_output_of(name).lower()) for name in self.headers
        }
        outputs.update({name: params.get(name) for name in self.params})
        outputs.update({name: self._of_body(payload, name) for name in self.body})
        outputs[_RAW] = payload
        outputs.update(run_outputs(context, (SYSTEM,)))
        return NodeResult(outputs=outputs, inputs=dict(context.inputs))

    def _type_of(self, kind: ValueType) -> ValueType:
        if self.content_type == _TEXT:
            return ValueType.STRING
        return ValueType.FILE if self.content_type == _BINARY else kind

    def _of_body(self, payload: Mapping[str, Value], name: str) -> Value:
        body = _mapping(payload.get("body"))
        if self.content_type == _TEXT:
            text = body.get("raw")
            return "" if text is None else str(text)
        if self.content_type == _BINARY:
            return body.get("raw")
        if self.body[name] is ValueType.FILE:
            return _mapping(payload.get("files")).get(name)
        return body.get(name)


def parse_trigger_webhook(node_id: str, data: Mapping[str, Value]) -> TriggerWebhookNode:
    settings = SettingsReader(data)
    method = settings.text("method", "get").lower() or "get"
    if method not in _METHODS:
        settings.report("unknown_method", f"unknown method {method}", "method")
    content_type = settings.text("content_type", "application/json") or "application/json"
    content_type = content_type.lower()
    if content_type not in _CONTENT_TYPES:
        message = f"must be one of {', '.join(_CONTENT_TYPES)}"
        settings.report("unknown_content_type", message, "content_type")
    headers = _declared(settings, "headers", frozenset({ValueType.STRING}))
    params = _declared(settings, "params", _WRITTEN)
    body = _declared(settings, "body", _body_types(content_type))
    _check_names(settings, [*map(_output_of, headers), *params, *body])
    _check_answer(settings)
    return TriggerWebhookNode(
        content_type=content_type,
        headers=(*headers,),
        params=params,
        body=body,
        problems=settings.problems,
    )


def _body_types(content_type: str) -> frozenset[ValueType]:
    if content_type in {_TEXT, _BINARY}:
        return _TYPES
    if content_type == _FORM:
        return _WRITTEN | {ValueType.FILE}
    return _WRITTEN if content_type == _URLENCODED else _TYPES - {ValueType.FILE}


def _declared(
    settings: SettingsReader, name: str, types: frozenset[ValueType]
) -> dict[str, ValueType]:
    found: dict[str, ValueType] = {}
    for item in settings.items(name):
        named = item.text("name", required=True)
        kind = named_type(item.text("type", "string") or "string")
        item.flag("required")
        if kind is None or kind not in _TYPES:
            known = ", ".join(sorted(_TYPES))
            item.report("unsupported_type", f"must be one of {known}", "type")
            continue
        if kind not in types:
            item.warn("unsupported_type", f"what comes here is never of type {kind}", "type")
        if named in found:
            item.report("duplicate_name", f"{named!r} stands twice", "name")
        elif named:
            found[named] = kind
    return found


def _check_names(settings: SettingsReader, names: list[str]) -> None:
    twice = {name for name in names if names.count(name) > 1}
    for name in sorted(twice):
        message = f"a header, a parameter or a part of the body hides another one called {name!r}"
        settings.warn("hidden_output", message, "body")


def _check_answer(settings: SettingsReader) -> None:
    status = settings.number("status_code")
    if status is not None and not _LEAST_STATUS <= status <= _MOST_STATUS:
        message = f"must be a status from {_LEAST_STATUS} to {_MOST_STATUS}"
        settings.report("out_of_range", message, "status_code")
    settings.text("response_body")
    if not settings.flag("async_mode", default=True):
        message = "the request is answered at once; nobody waits for the run"
        settings.warn("unsupported", message, "async_mode")


def _output_of(header: str) -> str:
    return header.replace("-", "_")


def _mapping(value: Value) -> dict[str, Value]:
    return value if isinstance(value, dict) else {}
