"""Guarded requests against a real server on loopback."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from libs.common.errors import InvalidInput, UpstreamError, UpstreamTimeout
from libs.common.guarded_http.egress_errors import EgressRefused, ResponseTooLarge
from libs.common.guarded_http.egress_rules import EgressRules
from libs.common.guarded_http.guarded_http import GuardedHttp
from libs.common.tracing import enter_trace, leave_trace

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03"
BOMB = gzip.compress(bytes(50_000_000))


@dataclass
class Upstream:
    """A server, what it saw, and the name and port that the override leads to it."""

    server: TestServer
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(
        default_factory=list[tuple[str, str, dict[str, str], bytes]]
    )

    @property
    def port(self) -> int:
        # aiohttp leaves the type open.
        return int(self.server.port)  # pyright: ignore[reportUnknownMemberType, reportArgumentType]


@pytest.fixture
async def upstream() -> AsyncGenerator[Upstream]:
    app = web.Application()
    server = TestServer(app)
    found = Upstream(server)

    async def answer(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        found.seen.append((request.method, request.path_qs, dict(request.headers), body))
        return await _routed(request)

    app.router.add_route("*", "/{rest:.*}", answer)
    await server.start_server()
    yield found
    await server.close()


async def _routed(request: web.Request) -> web.StreamResponse:
    match request.path:
        case "/redirect":
            status = int(request.query.get("status", "302"))
            return web.Response(status=status, headers={"Location": request.query["to"]})
        case "/loop":
            return web.Response(status=307, headers={"Location": "/loop"})
        case "/gzip":
            return web.Response(body=gzip.compress(b"hello"), headers={"Content-Encoding": "gzip"})
        case "/deflate":
            raw = zlib.compressobj(wbits=-15)
            body = raw.compress(b"hello") + raw.flush()
            return web.Response(body=body, headers={"Content-Encoding": "deflate"})
        case "/bomb":
            return web.Response(body=BOMB, headers={"Content-Encoding": "gzip"})
        case "/broken":
            return web.Response(body=b"no gzip", headers={"Content-Encoding": "gzip"})
        case "/big":
            return web.Response(body=bytes(2_000_000))
        case "/silent":
            await asyncio.Event().wait()
        case "/cookies":
            response = web.Response()
            response.headers.add("Set-Cookie", "a=1")
            response.headers.add("Set-Cookie", "b=2")
            return response
        case "/parts":
            return await _parts(request)
        case _:
            pass
    return web.Response(text="fine", status=int(request.query.get("status", "200")))


async def _parts(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for n in range(3):
        await response.write(f"part {n}\n".encode())
    if request.query.get("end") == "never":
        await asyncio.Event().wait()
    return response


@pytest.fixture
async def http(upstream: Upstream) -> AsyncGenerator[GuardedHttp]:
    rules = EgressRules.parse([], [f"api.test:80=127.0.0.1:{upstream.port}"])

    async def resolve(host: str, port: int) -> Sequence[str]:
        addresses = {"inside.test": ["10.0.0.1"], "mixed.test": ["1.1.1.1", "192.168.0.1"]}
        if host not in addresses:
            raise OSError("no such host")
        return addresses[host]

    client = GuardedHttp(rules, resolve=resolve)
    await client.start()
    yield client
    await client.close()


async def test_a_request_arrives_as_it_was_asked(http: GuardedHttp, upstream: Upstream) -> None:
    answer = await http.request(
        "post",
        "http://api.test/a%20b?x=1",
        params=[("y", "é"), ("y", "2")],
        headers=[("X-One", "1"), ("Host", "evil.test"), ("Content-Length", "99")],
        body=b"body",
    )
    assert (answer.status, answer.body) == (200, b"fine")
    method, path, headers, body = upstream.seen[0]
    assert (method, path, body) == ("POST", "/a%20b?x=1&y=%C3%A9&y=2", b"body")
    assert headers["Host"] == "api.test"
    assert headers["X-One"] == "1"
    assert headers["User-Agent"] == "Heddle"


async def test_the_target_is_told_the_trace_unless_the_caller_names_one(
    http: GuardedHttp, upstream: Upstream
) -> None:
    url = "http://api.test/"
    await http.request("GET", url)
    token = enter_trace(TRACEPARENT)
    try:
        await http.request("GET", url)
        await http.request("GET", url, headers=[("traceparent", "mine")])
    finally:
        leave_trace(token)
    told = [headers.get("traceparent") for _, _, headers, _ in upstream.seen]
    assert told == [None, TRACEPARENT, "mine"]


async def test_any_status_is_an_answer(http: GuardedHttp) -> None:
    assert (await http.request("GET", "http://api.test/?status=503")).status == 503


async def test_headers_keep_duplicates(http: GuardedHttp) -> None:
    answer = await http.request("GET", "http://api.test/cookies")
    assert [v for k, v in answer.headers if k == "Set-Cookie"] == ["a=1", "b=2"]
    assert answer.header("set-cookie") == "a=1"


@pytest.mark.parametrize("url", ["http://inside.test/", "http://mixed.test/"])
async def test_a_name_with_a_private_address_is_refused(http: GuardedHttp, url: str) -> None:
    with pytest.raises(EgressRefused):
        await http.request("GET", url)


async def test_a_name_that_changes_its_address_is_checked_and_pinned(upstream: Upstream) -> None:
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    port = upstream.port
    client = GuardedHttp(EgressRules.parse([f"127.0.0.1:{port}"]), resolve=rebinding)
    await client.start()
    try:
        url = f"http://rebind.test:{port}/"
        # The address that was checked is the one that is connected to: one look-up, no second.
        assert (await client.request("GET", url, headers=[("Connection", "close")])).status == 200
        assert asked == ["rebind.test"]
    finally:
        await client.close()
    client = GuardedHttp(EgressRules.parse([f"127.0.0.1:{port}"]), resolve=rebinding)
    await client.start()
    try:
        with pytest.raises(EgressRefused):
            await client.request("GET", url)
    finally:
        await client.close()


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1/",
        "http://inside.test/",
        "http://[::ffff:127.0.0.1]/",
        "//2130706433/",
        "http://user:password@api.test/",
        "file:///etc/passwd",
        "ws://api.test/",
    ],
)
async def test_every_redirect_is_checked(http: GuardedHttp, target: str) -> None:
    with pytest.raises(EgressRefused):
        await http.request("GET", "http://api.test/redirect", params=[("to", target)])


async def test_trust_does_not_follow_a_redirect_elsewhere(
    http: GuardedHttp, upstream: Upstream
) -> None:
    base = f"http://127.0.0.1:{upstream.port}"
    same = await http.request(
        "GET", f"{base}/redirect", params=[("to", f"{base}/there")], trusted=True
    )
    assert same.status == 200
    with pytest.raises(EgressRefused):
        await http.request(
            "GET", f"{base}/redirect", params=[("to", "http://127.0.0.1:1/")], trusted=True
        )
    # A pooled connection of the trusted request serves no other.
    with pytest.raises(EgressRefused):
        await http.request("GET", f"{base}/")


async def test_credentials_stay_with_their_origin(http: GuardedHttp, upstream: Upstream) -> None:
    headers = [("Authorization", "Bearer k"), ("X-Kept", "1")]
    await http.request("GET", "http://api.test/redirect?to=/here", headers=headers)
    assert upstream.seen[-1][2]["Authorization"] == "Bearer k"
    base = f"http://127.0.0.1:{upstream.port}"
    await http.request(
        "GET",
        f"{base}/redirect",
        params=[("to", "http://api.test/there")],
        headers=headers,
        trusted=True,
    )
    assert "Authorization" not in upstream.seen[-1][2]
    assert upstream.seen[-1][2]["X-Kept"] == "1"


@pytest.mark.parametrize(
    ("status", "method", "body"), [(302, "GET", b""), (303, "GET", b""), (307, "POST", b"b")]
)
async def test_what_a_redirect_makes_of_a_post(
    http: GuardedHttp, upstream: Upstream, status: int, method: str, body: bytes
) -> None:
    await http.request("POST", f"http://api.test/redirect?status={status}&to=/there", body=b"b")
    assert (upstream.seen[-1][0], upstream.seen[-1][3]) == (method, body)


async def test_redirects_end(http: GuardedHttp) -> None:
    with pytest.raises(UpstreamError, match="redirects"):
        await http.request("GET", "http://api.test/loop")
    unfollowed = await http.request("GET", "http://api.test/redirect?to=/x", follow_redirects=False)
    assert (unfollowed.status, unfollowed.header("location")) == (302, "/x")


@pytest.mark.parametrize("path", ["gzip", "deflate"])
async def test_bodies_are_decoded(http: GuardedHttp, path: str) -> None:
    assert (await http.request("GET", f"http://api.test/{path}")).body == b"hello"


@pytest.mark.parametrize("path", ["big", "bomb"])
async def test_size_is_bounded_after_decoding(http: GuardedHttp, path: str) -> None:
    with pytest.raises(ResponseTooLarge):
        await http.request("GET", f"http://api.test/{path}", max_bytes=1_000_000)


async def test_a_broken_encoding_is_the_upstreams_error(http: GuardedHttp) -> None:
    with pytest.raises(UpstreamError):
        await http.request("GET", "http://api.test/broken")


async def test_silence_is_bounded(http: GuardedHttp) -> None:
    with pytest.raises(UpstreamTimeout):
        await http.request("GET", "http://api.test/silent", read_timeout=0.05)
    with pytest.raises(UpstreamTimeout):
        await http.request("GET", "http://api.test/silent", read_timeout=30, total_timeout=0.05)


async def test_what_does_not_exist(http: GuardedHttp) -> None:
    with pytest.raises(UpstreamError) as caught:
        await http.request("GET", "http://nowhere.test/secret-path")
    assert "secret-path" not in caught.value.message


@pytest.mark.parametrize("headers", [[("X", "a\r\nY: b")], [("a b", "c")]])
async def test_headers_cannot_smuggle(
    http: GuardedHttp, upstream: Upstream, headers: list[tuple[str, str]]
) -> None:
    with pytest.raises(InvalidInput):
        await http.request("GET", "http://api.test/", headers=headers)
    assert upstream.seen == []


async def test_a_stream_is_read_as_it_arrives_and_cut_when_left(http: GuardedHttp) -> None:
    async with http.stream("GET", "http://api.test/parts?end=never") as answer:
        assert answer.status == 200
        text = b""
        async for chunk in answer.aiter_chunks():
            text += chunk
            if text.endswith(b"part 2\n"):
                break
    assert text == b"part 0\npart 1\npart 2\n"


async def test_a_stream_that_falls_silent(http: GuardedHttp) -> None:
    async with http.stream("GET", "http://api.test/parts?end=never", read_timeout=0.1) as answer:
        with pytest.raises(UpstreamTimeout):
            await answer.read()
