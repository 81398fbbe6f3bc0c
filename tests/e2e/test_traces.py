"""One run is one trace across the four services, and no word of its users is in it."""

import secrets

import pytest

from tests.e2e.documents import app, code, end, llm, start, variable
from tests.e2e.world import Json, World
from tests.support.otlp_receiver import ReceivedSpan
from tests.support.scripted_upstream import Answer

pytestmark = pytest.mark.xdist_group("e2e")

_SECRET_WORDS = ("kingfisher", "swordfish", "moonshine")
_ASKED, _ANSWERED, _KEPT = _SECRET_WORDS
_SNIPPET = f"""
def main(text: str):
    return {{"result": text + " {_KEPT}"}}
"""


def test_a_run_is_one_trace_from_the_request_to_the_provider(world: World) -> None:
    world.provider(lambda _: Answer(text=f"the {_ANSWERED} answer"))
    told = world.import_app(_model_then_code())
    trace_id, caller = secrets.token_hex(16), secrets.token_hex(8)
    answer = world.http.post(
        "/v1/workflows/run",
        json={"inputs": {"question": _ASKED}, "user": _ASKED, "response_mode": "blocking"},
        headers={**told.headers, "traceparent": f"00-{trace_id}-{caller}-01"},
    )
    assert answer.json()["data"]["status"] == "succeeded"
    assert answer.headers["x-trace-id"] == trace_id
    trace = _Trace(world, trace_id, "answer plugin.code.run", "run code", "effect code")

    request = trace.one("POST /v1/workflows/run")
    assert (request.service, request.parent_id) == ("heddle-backend", caller)
    run = trace.below(request, "run")
    assert run.service == "heddle-engine"
    assert run.attributes["heddle.run.id"] == answer.json()["workflow_run_id"]
    assert trace.below(run, "node start") != trace.below(run, "node end")

    model = trace.below(trace.below(run, "node llm"), "effect model")
    asked = trace.below(model, "request inference.chat")
    served = trace.below(asked, "answer inference.chat")
    assert served.service == "heddle-inference"
    chat = trace.below(served, "chat any")
    assert chat.attributes["gen_ai.provider.name"] == "openai"
    assert chat.attributes["gen_ai.usage.input_tokens"] == "10"
    assert chat.attributes["gen_ai.usage.output_tokens"] == "3"
    upstream = trace.below(chat, "POST")
    assert upstream.attributes["http.response.status_code"] == "200"
    sent = world.upstream.asked[-1].headers["traceparent"]
    assert sent[3:52] == f"{trace_id}-{upstream.span_id}"

    work = trace.below(trace.below(run, "node code"), "effect code")
    ran = trace.below(trace.below(work, "request plugin.code.run"), "answer plugin.code.run")
    assert ran.service == "heddle-plugin"
    assert trace.below(ran, "run code").attributes["heddle.code.language"] == "python3"

    assert trace.one("answer engine.runs.accept").service == "heddle-engine"
    assert not any(span.failed for span in trace.spans)
    everything = repr(world.spans.spans)
    assert [word for word in _SECRET_WORDS if word in everything] == []


def test_a_failed_run_names_what_failed_and_not_what_was_said(world: World) -> None:
    world.provider(lambda _: Answer(text=f"no {_ANSWERED}", status=400))
    told = world.import_app(_model_then_code())
    trace_id = secrets.token_hex(16)
    world.http.post(
        "/v1/workflows/run",
        json={"inputs": {"question": _ASKED}, "user": "e2e", "response_mode": "blocking"},
        headers={**told.headers, "traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01"},
    )
    trace = _Trace(world, trace_id)
    failed = {span.name for span in trace.spans if span.failed}
    assert {"run", "node llm", "effect model", "chat any", "POST"} <= failed
    assert trace.one("node llm").attributes["error.type"]
    assert [word for word in _SECRET_WORDS if word in repr(trace.spans)] == []


class _Trace:
    """The spans of one trace, once each service has sent its own."""

    def __init__(self, world: World, trace_id: str, *more: str) -> None:
        wanted = {"run", "chat any", "POST /v1/workflows/run", "answer inference.chat", *more}
        wanted |= {"request inference.chat", "effect model", "answer engine.runs.accept"}
        world.spans.wait_until(
            lambda spans: wanted <= {span.name for span in spans if span.trace_id == trace_id}
        )
        self.spans = [span for span in world.spans.spans if span.trace_id == trace_id]

    def one(self, name: str) -> ReceivedSpan:
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def below(self, parent: ReceivedSpan, name: str) -> ReceivedSpan:
        found = self.one(name)
        assert found.parent_id == parent.span_id, f"{name} is not below {parent.name}"
        assert found.begun <= found.ended
        return found


def _model_then_code() -> Json:
    nodes = [
        start(variable("question")),
        llm("model", f"{_KEPT}: {{{{#start.question#}}}}"),
        {**code("work", _SNIPPET)},
        end(text=["work", "result"]),
    ]
    nodes[2]["data"]["variables"] = [{"variable": "text", "value_selector": ["model", "text"]}]
    edges: list[tuple[str, ...]] = [("start", "model"), ("model", "work"), ("work", "end")]
    return app("traced", nodes, edges)
