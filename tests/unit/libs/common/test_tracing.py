"""Spans: none without a collector, and real ones with."""

import asyncio
import logging
import timeit
from collections.abc import AsyncGenerator, Generator

import httpx
import pytest
from fastapi import APIRouter
from structlog.testing import capture_logs

from libs.common.clock import SystemClock
from libs.common.exported_spans import ExportedSpans
from libs.common.service_host import ServiceHost
from libs.common.tracing import (
    Span,
    begin_span,
    child_of,
    collect_into,
    current_trace_id,
    current_traceparent,
    ending,
    enter_trace,
    leave_trace,
    span,
)
from tests.support.otlp_receiver import receiving

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03"
UNSAMPLED = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
CLIENT, SERVER = 3, 2


class Kept:
    def __init__(self) -> None:
        self.spans: list[Span] = []

    def add(self, span: Span) -> None:
        self.spans.append(span)


@pytest.fixture
def kept() -> Generator[Kept]:
    sink = Kept()
    collect_into(sink)
    yield sink
    collect_into(None)


@pytest.fixture
def trace() -> Generator[None]:
    token = enter_trace(TRACEPARENT, "vendor=1")
    yield
    leave_trace(token)


@pytest.mark.usefixtures("trace")
def test_without_a_collector_a_span_only_hands_the_trace_on() -> None:
    with span("bake") as opened:
        assert opened is None
        assert current_traceparent() == TRACEPARENT
    assert begin_span("bake") is None


def test_without_a_collector_a_span_costs_next_to_nothing() -> None:
    def spanned() -> None:
        with span("bake"):
            pass

    # A bare `with` over a shared object that does nothing is the floor; the bound is generous.
    assert min(timeit.repeat(spanned, number=10_000, repeat=5)) / 10_000 < 5e-6


@pytest.mark.usefixtures("trace")
def test_spans_nest_and_keep_the_trace_and_its_state(kept: Kept) -> None:
    with span("outer", "server") as outer:
        assert outer is not None
        assert current_traceparent() == outer.traceparent
        with span("inner", attributes={"loaves": 2}) as inner:
            assert inner is not None
    assert [each.name for each in kept.spans] == ["inner", "outer"]
    assert outer.parent_id == TRACEPARENT[36:52]
    assert inner.parent_id == outer.traceparent[36:52]
    assert outer.tracestate == "vendor=1"
    assert current_traceparent() == TRACEPARENT
    assert outer.begun <= inner.begun <= inner.ended <= outer.ended


def test_a_span_outside_of_any_trace_begins_one(kept: Kept) -> None:
    with span("first"):
        pass
    assert kept.spans[0].parent_id is None
    assert current_traceparent() is None


def test_a_trace_that_is_not_sampled_has_no_spans(kept: Kept) -> None:
    token = enter_trace(UNSAMPLED)
    try:
        with span("bake") as opened:
            assert opened is None
            assert current_traceparent() == UNSAMPLED
    finally:
        leave_trace(token)
    assert kept.spans == []


def test_a_failure_is_named_without_its_message(kept: Kept) -> None:
    with pytest.raises(ValueError, match="swordfish"), span("bake"):
        raise ValueError("the secret is swordfish")
    assert kept.spans[0].error == "ValueError"
    assert "swordfish" not in repr(kept.spans[0])


async def test_being_cancelled_is_no_failure(kept: Kept) -> None:
    async def wait() -> None:
        with span("wait"):
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert kept.spans[0].ended > 0
    assert kept.spans[0].error is None


@pytest.mark.usefixtures("trace")
async def test_a_generator_may_end_its_span_in_another_task(kept: Kept) -> None:
    async def parts() -> AsyncGenerator[int]:
        with ending(begin_span("stream", "client")):
            yield 1
            yield 2

    stream = parts()
    assert await anext(stream) == 1
    await asyncio.create_task(stream.aclose())
    assert kept.spans[0].name == "stream"
    assert kept.spans[0].error is None
    assert current_traceparent() == TRACEPARENT


async def test_an_http_request_is_a_server_span_by_its_route(kept: Kept) -> None:
    router = APIRouter()

    @router.get("/loaves/{loaf}")
    async def show(loaf: str) -> str | None:
        if loaf == "burnt":
            raise ZeroDivisionError
        return current_trace_id()

    _ = show
    host = ServiceHost("bakery", routers=[router])
    transport = httpx.ASGITransport(host.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bakery") as client:
        answer = await client.get("/loaves/secret-rye", headers={"traceparent": TRACEPARENT})
        assert answer.json() == TRACEPARENT[3:35] == answer.headers["x-trace-id"]
        assert (await client.get("/loaves/burnt")).status_code == 500
        await client.get("/healthz")
    good, bad = kept.spans
    assert (good.name, good.kind) == ("GET /loaves/{loaf}", "server")
    assert good.parent_id == TRACEPARENT[36:52]
    assert good.attributes["http.response.status_code"] == 200
    assert (bad.error, bad.parent_id) == ("500", None)
    assert "secret-rye" not in repr(kept.spans)


async def test_spans_reach_a_collector_with_their_attributes() -> None:
    with receiving() as receiver:
        spans = ExportedSpans("bakery", receiver.endpoint, instance="oven-1")
        collect_into(spans)
        token = enter_trace(TRACEPARENT, "vendor=1")
        try:
            with span("bake", "client", {"loaves": 2, "kinds": ("rye", "spelt")}):
                pass
        finally:
            leave_trace(token)
            collect_into(None)
        await asyncio.to_thread(spans.close)
    (found,) = receiver.spans
    assert (found.service, found.name, found.kind) == ("heddle-bakery", "bake", CLIENT)
    assert (found.trace_id, found.parent_id) == (TRACEPARENT[3:35], TRACEPARENT[36:52])
    assert found.attributes == {"loaves": "2", "kinds": "rye,spelt"}
    assert not found.failed


async def test_a_collector_that_is_away_is_logged_once_and_hurts_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with receiving() as gone:
        endpoint = gone.endpoint
    clock = SystemClock()
    with caplog.at_level(logging.DEBUG), capture_logs() as said:
        spans = ExportedSpans("bakery", endpoint)
        begun = clock.monotonic()
        for _ in range(20_000):
            spans.add(_span())
        await asyncio.to_thread(spans.close)
    assert clock.monotonic() - begun < 10
    assert [(each["event"], each["host"]) for each in said] == [("collector_away", "127.0.0.1")]
    assert [each for each in caplog.records if "opentelemetry" in each.name] == []


def _span() -> Span:
    return Span(
        name="bake",
        kind="internal",
        traceparent=child_of(TRACEPARENT, "00f067aa0ba902b8"),
        parent_id=None,
        begun=1,
        ended=2,
    )
