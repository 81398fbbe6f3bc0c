import json

import pytest

from libs.common.contracts.chat import ChatMessage, ChatResult, Usage
from libs.common.contracts.code_execution import CodeCall, CodeResult
from libs.common.contracts.http_call import FormBody, FormField, HttpResult, NoBody, RawBody
from services.engine.domain.node_parts.effects import CallModel, EffectError, FetchHttp, RunCode
from services.engine.domain.variables.values import Value
from tests.unit.engine.node_driver import Drive, drive, parse_node

CODE: dict[str, Value] = {
    "type": "code",
    "code_language": "python3",
    "code": "def main(x): return {'result': x}",
    "variables": [{"variable": "x", "value_selector": ["start", "x"]}],
    "outputs": {"result": {"type": "string", "children": None}},
}


def test_code_sends_its_variables_and_returns_its_outputs() -> None:
    answer = CodeResult(status="ok", result={"result": "ok"}, stdout="hi")
    done = drive(parse_node(CODE), {"start": {"x": 1}}, (answer,))
    assert done.requests == [
        RunCode(call=CodeCall(language="python3", code=str(CODE["code"]), inputs={"x": 1}))
    ]
    assert done.outputs == {"result": "ok"}
    assert done.result is not None
    assert done.result.process_data == {"stdout": "hi"}


CODE_FAILURES: list[tuple[CodeResult, str, str]] = [
    (CodeResult(status="ok", result={}), "Output result is missing.", "OutputValidationError"),
    (
        CodeResult(status="ok", result={"result": "a", "more": 1}),
        "Not all output parameters are validated.",
        "CodeNodeError",
    ),
    (
        CodeResult(status="ok", result={"result": 1}),
        "Output result must be a string, got int instead.",
        "OutputValidationError",
    ),
    (
        CodeResult(status="ok", result=[1]),
        "Result should be a dict, got list instead.",
        "CodeNodeError",
    ),
    (
        CodeResult(status="error", error_type="ValueError", error_message="boom", line=2),
        "boom",
        "ValueError",
    ),
    (
        CodeResult(status="limit", limit="memory"),
        "The code was stopped by its memory limit.",
        "CodeExecutionError",
    ),
]


@pytest.mark.parametrize(("answer", "error", "error_type"), CODE_FAILURES)
def test_code_fails_in_known_words(answer: CodeResult, error: str, error_type: str) -> None:
    done = drive(parse_node(CODE), {"start": {"x": 1}}, (answer,))
    assert done.error == (error, error_type)
    assert done.failure is not None
    assert done.failure.inputs == {"x": 1}


def test_the_authors_line_is_kept() -> None:
    answer = CodeResult(status="error", error_type="ValueError", error_message="boom", line=2)
    failure = drive(parse_node(CODE), {}, (answer,)).failure
    assert failure is not None
    assert failure.process_data == {"line": 2}
    assert failure.told == "ValueError: boom (line 2 of the code)"
    stopped = CodeResult(status="limit", limit="cpu", error_message="too much", line=7)
    failure = drive(parse_node(CODE), {}, (stopped,)).failure
    assert failure is not None
    assert failure.told == "too much (line 7 of the code)"


def test_numbers_leave_code_as_numbers() -> None:
    outputs: Value = {name: {"type": "number"} for name in "abn"}
    node = parse_node({**CODE, "outputs": outputs})
    answer = CodeResult(status="ok", result={"a": True, "b": "1e+5", "n": None})
    assert drive(node, {}, (answer,)).outputs == {"a": 1, "b": 100000.0, "n": None}


# --- http-request


def _http(**data: Value) -> dict[str, Value]:
    return {
        "type": "http-request",
        "method": "get",
        "url": "https://sample.invalid/{{#s.p#}}",
        **data,
    }


def _sent(done: Drive) -> FetchHttp:
    (request,) = done.requests
    assert isinstance(request, FetchHttp)
    return request


ANSWERED = HttpResult(status_code=201, text="body", headers={"x": "y"})


def test_http_request_sends_what_is_written() -> None:
    data = _http(
        authorization={"type": "api-key", "config": {"type": "basic", "api_key": "u:p"}},
        headers="A: {{#s.p#}}\n\nB:c:d",
        params="q:{{#s.lines#}}\nq:2",
        timeout={"connect": 5, "max_read_timeout": 0},
        ssl_verify=False,
    )
    done = drive(parse_node(data), {"s": {"p": "x", "lines": "a\nb"}}, (ANSWERED,))
    call = _sent(done).call
    assert (call.method, call.url, call.body) == ("GET", "https://sample.invalid/x", NoBody())
    assert call.headers == (("A", "x"), ("B", "c:d"), ("Authorization", "Basic dTpw"))
    assert call.params == (("q", "a\nb"), ("q", "2"))
    assert (call.connect_seconds, call.read_seconds, call.verify_tls) == (5, 600, False)
    assert done.outputs == {
        "status_code": 201,
        "body": "body",
        "headers": {"x": "y"},
        "files": [],
    }


BODIES: list[tuple[Value, RawBody | FormBody | NoBody]] = [
    ({"type": "none", "data": ""}, NoBody()),
    ({"type": "raw-text", "data": "a{{#s.p#}}"}, RawBody(content="ax", content_type="text/plain")),
    (
        {"type": "json", "data": [{"type": "text", "value": "{'a': {{#s.o#}},}"}]},
        RawBody(content='{"a":{"k":"é"}}', content_type="application/json"),
    ),
    (
        {"type": "form-data", "data": [{"key": "k{{#s.p#}}", "type": "text", "value": "v"}]},
        FormBody(fields=(FormField(name="kx", value="v"),), multipart=True),
    ),
    (
        {"type": "x-www-form-urlencoded", "data": "a:1\nb:2"},
        FormBody(fields=(FormField(name="a", value="1"), FormField(name="b", value="2"))),
    ),
]


@pytest.mark.parametrize(("body", "expected"), BODIES)
def test_http_bodies(body: Value, expected: RawBody | FormBody | NoBody) -> None:
    variables: dict[str, Value] = {"p": "x", "o": {"k": "é"}}
    done = drive(parse_node(_http(method="post", body=body)), {"s": variables}, (ANSWERED,))
    assert _sent(done).call.body == expected
    assert _sent(done).effect_class == "unsafe"


def test_http_effect_classes() -> None:
    kinds = [
        _sent(drive(parse_node(_http(**data)), {}, (ANSWERED,))).effect_class
        for data in ({"method": "HEAD"}, {"method": "put", "idempotent_target": True})
    ]
    assert kinds == ["idempotent", "keyed"]


def test_a_bad_status_is_a_success_unless_failures_are_handled() -> None:
    refused = HttpResult(status_code=500, text="no")
    assert drive(parse_node(_http()), {}, (refused,)).outputs["status_code"] == 500
    handled: list[dict[str, Value]] = [
        {"error_strategy": "fail-branch"},
        {"retry_config": {"retry_enabled": True}},
    ]
    for data in handled:
        done = drive(parse_node(_http(**data)), {}, (refused,))
        assert done.error == ("Request failed with status code 500", "HTTPResponseCodeError")
        assert done.failure is not None
        assert done.failure.outputs["body"] == "no"


HTTP_REFUSALS: list[tuple[dict[str, Value], str, str]] = [
    ({"url": "{{#s.empty#}}"}, "url is required", "InvalidURLError"),
    ({"url": "ftp://x"}, "url should start with http:// or https://", "InvalidURLError"),
    ({"method": "options"}, "Invalid http method options", "InvalidHttpMethodError"),
    (
        {"authorization": {"type": "api-key", "config": {"type": "bearer", "api_key": ""}}},
        "API key is required for authorization but was empty. Please provide a valid API key.",
        "AuthorizationConfigError",
    ),
    (
        {"body": {"type": "json", "data": []}},
        "json body type should have exactly one item",
        "RequestBodyError",
    ),
]


@pytest.mark.parametrize(("data", "error", "error_type"), HTTP_REFUSALS)
def test_http_requests_that_cannot_be_built(
    data: dict[str, Value], error: str, error_type: str
) -> None:
    done = drive(parse_node(_http(**data)), {"s": {"empty": ""}})
    assert done.error == (error, error_type)


def test_http_failures_are_the_requests_own() -> None:
    away = EffectError("no route", error_type="UpstreamError", retryable=True)
    unknown = EffectError("unknown", error_type="OutcomeUnknown", retryable=False)
    assert drive(parse_node(_http()), {}, (away,)).error == ("no route", "HttpRequestNodeError")
    assert drive(parse_node(_http()), {}, (unknown,)).error == ("unknown", "OutcomeUnknown")


# --- llm


def _llm(**data: Value) -> dict[str, Value]:
    return {
        "type": "llm",
        "model": {
            "provider": "langgenius/openai/openai",
            "name": "m1",
            "mode": "chat",
            "completion_params": {"temperature": 0.5, "max_tokens": "{{#s.n#}}", "stop": ["x"]},
        },
        "prompt_template": [
            {"role": "system", "text": "Know <{{#context#}}>."},
            {"role": "user", "text": "{{#s.q#}}", "edition_type": "basic"},
            {"role": "assistant", "text": ""},
        ],
        **data,
    }


def _asked(done: Drive) -> CallModel:
    (request,) = done.requests
    assert isinstance(request, CallModel)
    return request


def _said(text: str, reasoning: str = "") -> ChatResult:
    usage = Usage(prompt_tokens=10, completion_tokens=5, total_tokens=15, total_price="0.1")
    return ChatResult(
        generation="g", model="openai/m1", text=text, usage=usage, reasoning=reasoning
    )


SCOPES: dict[str, dict[str, Value]] = {
    "s": {"q": "why?", "n": 7, "docs": [{"content": "c1", "summary": "s1"}, {"content": "c2"}]},
    "sys": {"query": "again?", "user_id": "u1"},
}


def test_llm_asks_and_answers() -> None:
    data = _llm(context={"enabled": True, "variable_selector": ["s", "docs"]})
    done = drive(parse_node(data), SCOPES, (_said("hi", reasoning="hm"),))
    effect = _asked(done)
    assert effect.selector == ("n", "text")
    assert effect.call.model == "openai/m1"
    assert effect.call.user == "u1"
    assert effect.call.parameters == {"temperature": 0.5, "max_tokens": 7, "stop": ["x"]}
    assert effect.call.messages == (
        ChatMessage(role="system", content="Know <s1\nc1\nc2>."),
        ChatMessage(role="user", content="why?"),
    )
    assert done.outputs["text"] == "hi"
    assert done.outputs["reasoning_content"] == "hm"
    assert done.outputs["finish_reason"] == "stop"
    assert done.result is not None
    assert done.result.metadata == {"total_tokens": 15, "total_price": "0.1", "currency": "USD"}


def test_llm_remembers_only_with_memory() -> None:
    history = (("q1", "a1"), ("q2", "a2"))
    memory: Value = {"window": {"enabled": True, "size": 1}}
    node = parse_node(_llm(memory=memory))
    done = drive(node, SCOPES, (_said("hi"),), history=history)
    assert [message.content for message in _asked(done).call.messages] == [
        "Know <>.", "why?", "q2", "a2", "again?",
    ]  # fmt: skip
    done = drive(parse_node(_llm()), SCOPES, (_said("hi"),), history=history)
    assert [message.content for message in _asked(done).call.messages] == ["Know <>.", "why?"]


def test_llm_fails_without_a_variable_or_a_prompt() -> None:
    assert drive(parse_node(_llm()), {}).error == (
        "Variable #s.q# not found",
        "VariableNotFoundError",
    )
    empty = parse_node(_llm(prompt_template=[{"role": "user", "text": "{{#s.q#}}"}]))
    assert drive(empty, {"s": {"q": "", "n": 1}}).error[1] == "NoPromptFoundError"


def test_llm_renders_the_jinja_edition() -> None:
    data = _llm(
        prompt_template=[
            {"role": "user", "edition_type": "jinja2", "jinja2_text": "{{ q|upper }}{{#context#}}"}
        ],
        prompt_config={"jinja2_variables": [{"variable": "q", "value_selector": ["s", "q"]}]},
        context={"enabled": True, "variable_selector": ["s", "q"]},
    )
    done = drive(parse_node(data), SCOPES, (_said("hi"),))
    assert [message.content for message in _asked(done).call.messages] == ["WHY?why?"]


def test_llm_completion_prompt_places_histories() -> None:
    model: Value = {"provider": "p", "name": "m", "mode": "completion"}
    data = _llm(
        model=model,
        prompt_template={"text": "{{#histories#}}\nHuman: #sys.query#\nAssistant:"},
        memory={"role_prefix": {"user": "U", "assistant": "A"}},
    )
    done = drive(parse_node(data), SCOPES, (_said("hi"),), history=(("q1", "a1"),))
    assert [message.content for message in _asked(done).call.messages] == [
        "U: q1\nA: a1\nHuman: again?\nAssistant:"
    ]


SCHEMA: Value = {
    "type": "object",
    "properties": {"type": {"type": "string", "pattern": "(a+)+$"}},
    "required": ["type"],
}


def test_llm_structured_output() -> None:
    data = _llm(structured_output_switch_on=True, structured_output={"schema": SCHEMA})
    done = drive(parse_node(data), SCOPES, (_said('```json\n{"type": "greeting",}\n```'),))
    wanted = _asked(done).call.response_format
    assert wanted is not None
    assert wanted.type == "json_schema"
    assert done.outputs["structured_output"] == {"type": "greeting"}
    done = drive(parse_node(data), SCOPES, (_said('{"typ": 1}'),))
    assert done.error == (
        "Failed to parse structured output: 'type' is a required property",
        "LLMNodeError",
    )


@pytest.mark.parametrize("more", [{}, {"additionalProperties": False}])
def test_no_expression_of_a_schema_is_tried(more: dict[str, Value]) -> None:
    slow = "^(a+)+$"
    schema: Value = {
        "patternProperties": {slow: {"type": "number"}},
        "properties": {"t": {"type": "string", "pattern": slow}},
        "propertyNames": {"pattern": slow},
        **more,
    }
    said = {"a" * 60 + "!": "x", "t": "a" * 60 + "!"}
    data = _llm(structured_output_switch_on=True, structured_output={"schema": schema})
    done = drive(parse_node(data), SCOPES, (_said(json.dumps(said)),))
    assert done.outputs["structured_output"] == said


def test_additional_properties_are_refused_where_no_expression_says_otherwise() -> None:
    schema: Value = {"properties": {"t": {}}, "additionalProperties": False}
    data = _llm(structured_output_switch_on=True, structured_output={"schema": schema})
    error, _ = drive(parse_node(data), SCOPES, (_said('{"u": 1}'),)).error
    assert "Additional properties are not allowed" in error


def test_a_schema_that_points_elsewhere_fetches_nothing() -> None:
    schema: Value = {"$ref": "http://127.0.0.1:1/schema.json"}
    data = _llm(structured_output_switch_on=True, structured_output={"schema": schema})
    error, error_type = drive(parse_node(data), SCOPES, (_said("{}"),)).error
    assert error.startswith("The schema cannot be applied:")
    assert error_type == "LLMNodeError"


def test_llm_separates_thoughts() -> None:
    node = parse_node(_llm(reasoning_format="separated"))
    done = drive(node, SCOPES, (_said("<think>hm</think>\n\nhi"),))
    assert (done.outputs["text"], done.outputs["reasoning_content"]) == ("hi", "hm")


def test_llm_without_a_model_is_a_warning() -> None:
    node = parse_node({"type": "llm", "prompt_template": [{"role": "user", "text": "x"}]})
    assert [(problem.field, problem.severity) for problem in node.problems] == [
        ("model.provider", "warning"),
        ("model.name", "warning"),
    ]
