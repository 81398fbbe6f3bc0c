"""The HTTP frame of every service."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator

import httpx
import pytest
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import StreamingResponse

from libs.common.errors import ErrorDetail, InvalidInput, RateLimited, Unavailable
from libs.common.problem_responses import MEDIA_TYPE
from libs.common.service_host import ServiceHost

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03"


class Loaf(BaseModel):
    flour: int
    tags: list[str] = []


def bakery() -> APIRouter:
    router = APIRouter()

    @router.post("/loaves")
    async def bake(loaf: Loaf) -> Loaf:
        return loaf

    @router.get("/refused")
    async def refused() -> None:
        place = ErrorDetail(pointer="/inputs/a~1b", message="too sour")
        raise InvalidInput("no", details=(place,), extra={"run_id": "r1", "code": "forged"})

    @router.get("/limited")
    async def limited() -> None:
        raise RateLimited("slow down", retry_after=2.5)

    @router.get("/broken")
    async def broken() -> None:
        raise ZeroDivisionError("the secret is swordfish")

    @router.get("/cut")
    async def cut() -> StreamingResponse:
        async def some() -> AsyncIterator[bytes]:
            yield b"half"
            raise ZeroDivisionError

        return StreamingResponse(some())

    _ = (bake, refused, limited, broken, cut)
    return router


async def away() -> None:
    raise Unavailable("postgresql://user:password@host is away")


async def present() -> None: ...


def host(**checks: object) -> ServiceHost:
    readiness = {"nats": present, "postgres": away} if checks.get("away") else {"nats": present}
    return ServiceHost("bakery", routers=[bakery()], readiness=readiness, max_body_bytes=1000)


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(host().app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bakery") as client:
        yield client


async def test_health_readiness_and_metrics(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    ready = await client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["dependencies"]["nats"]["error"] is None
    await client.post("/loaves", json={"flour": 1})
    metrics = (await client.get("/metrics")).text
    assert 'http_route="/loaves",http_response_status_code="200"' in metrics.replace(" ", "") or (
        'http_route="/loaves"' in metrics
    )


async def test_readiness_names_what_is_away_and_no_secret() -> None:
    transport = httpx.ASGITransport(host(away=True).app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bakery") as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "not_ready"
    assert answer.json()["dependencies"]["postgres"]["error"] == "Unavailable"
    assert "password" not in answer.text


async def test_an_error_is_a_problem_document(client: httpx.AsyncClient) -> None:
    answer = await client.get("/refused", headers={"traceparent": TRACEPARENT})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.headers["x-trace-id"] == TRACEPARENT[3:35]
    assert answer.json() == {
        "type": "urn:heddle:error:invalid_input",
        "title": "Invalid input",
        "status": 400,
        "detail": "no",
        "instance": "/refused",
        "code": "invalid_input",
        "retryable": False,
        "trace_id": TRACEPARENT[3:35],
        "run_id": "r1",
        "errors": [{"pointer": "/inputs/a~1b", "detail": "too sour"}],
    }


async def test_retry_after(client: httpx.AsyncClient) -> None:
    answer = await client.get("/limited")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
    assert answer.json()["retryable"] is True


async def test_validation_names_the_field(client: httpx.AsyncClient) -> None:
    answer = await client.post("/loaves", json={"flour": "much", "tags": ["a", 1]})
    assert answer.status_code == 400
    assert [place["pointer"] for place in answer.json()["errors"]] == ["/flour", "/tags/1"]


async def test_a_body_that_is_not_json(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/loaves", content=b'{"flour": ', headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"pointer": "", "detail": "not JSON at position 10"}]


async def test_unknown_path_and_method(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    answer = await client.delete("/loaves")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


async def test_the_unexpected_tells_nothing_but_the_trace(client: httpx.AsyncClient) -> None:
    answer = await client.get("/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.json()["trace_id"] == answer.headers["x-trace-id"]
    assert "swordfish" not in answer.text


async def test_an_answer_that_breaks_off_does_not_look_whole(client: httpx.AsyncClient) -> None:
    with pytest.raises(ZeroDivisionError):
        await client.get("/cut")


async def test_a_body_over_the_limit(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * 500

    headers = {"content-type": "application/json"}
    announced = await client.post("/loaves", content=b" " * 1001, headers=headers)
    chunked = await client.post("/loaves", content=chunks(), headers=headers)
    for answer in (announced, chunked):
        assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


async def test_openapi_documents_problems(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    responses = document["paths"]["/loaves"]["post"]["responses"]
    assert "422" not in responses
    assert MEDIA_TYPE in responses["400"]["content"]
    assert "Problem" in document["components"]["schemas"]


async def test_it_serves_until_sigterm() -> None:
    ports: asyncio.Queue[int] = asyncio.Queue()
    serving = asyncio.create_task(host().serve("127.0.0.1", 0, listening=ports.put_nowait))
    async with asyncio.timeout(10):
        port = await ports.get()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            assert (await client.get("/healthz")).status_code == 200
        os.kill(os.getpid(), signal.SIGTERM)
        await serving
