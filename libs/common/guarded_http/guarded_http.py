"""All outgoing HTTP: resolved, checked, pinned, bounded."""

import asyncio
import re
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from libs.common.errors import InvalidInput, UpstreamError, UpstreamTimeout
from libs.common.guarded_http.bounded_body import read_chunks
from libs.common.guarded_http.checked_resolver import CheckedResolver, Resolve, system_resolve
from libs.common.guarded_http.egress_rules import EgressRules
from libs.common.guarded_http.redirects import REDIRECT_STATUSES, Hop, follow
from libs.common.http_spans import client_span, note_status
from libs.common.tracing import Span, current_traceparent, ending, error_name

Pairs = Sequence[tuple[str, str]]

_MAX_BYTES = 10 * 1024 * 1024
_STREAM_BYTES = 256 * 1024 * 1024
_MAX_HOPS = 10
_TOKEN = re.compile(r"^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_CONNECTIONS = 1000
_TRACEPARENT = "traceparent"
_KEEP_ALIVE_SECONDS = 30
# Ours to say: they decide where the request goes and how it is framed.
_OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedResponse:
    """`headers` keep order and duplicates; `body` is decoded; `url` is where it came from."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    url: str

    def header(self, name: str) -> str | None:
        """The first header of that name, in any case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedStream:
    """An answer whose body is still on its way."""

    status: int
    headers: tuple[tuple[str, str], ...]
    url: str
    chunks: AsyncIterator[bytes]

    def aiter_chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives, decoded. Raises what `GuardedHttp.request` raises."""
        return self.chunks

    async def read(self) -> bytes:
        """The whole rest of the body."""
        return b"".join([chunk async for chunk in self.chunks])


OnAnswer = Callable[[str, float], None]
"""Hears of every request `2xx`, `4xx`, ... or the stable code of its error, and the seconds to the
answer's headers."""


@dataclass(slots=True)
class _Answer:
    outcome: str = ""


def _untold(_outcome: str, _seconds: float) -> None: ...


class GuardedHttp:
    """A client for targets that somebody else named.

    Every name is resolved once for each connection, every address checked against the rules, and
    the connection made to a checked address; TLS and the Host header keep the name. Each redirect
    is checked again. The target is told the current trace unless the caller names one.
    Raises EgressRefused, InvalidInput (what is no URL or header),
    UpstreamTimeout, UpstreamError and ResponseTooLarge.

    `trusted` marks a target that an admin configured: it may be private, its redirects to
    elsewhere not. Times are seconds; `read_timeout` bounds each silence, `total_timeout` the
    whole (None: connect and read together); `max_bytes` bounds the decoded body.
    """

    def __init__(
        self,
        rules: EgressRules,
        *,
        resolve: Resolve = system_resolve,
        on_answer: OnAnswer = _untold,
    ) -> None:
        self._rules = rules
        self._resolve = resolve
        self._on_answer = on_answer
        self._guarded: aiohttp.ClientSession | None = None
        self._trusted: aiohttp.ClientSession | None = None
        self._tls = ssl.create_default_context()

    async def start(self) -> None:
        # Two pools: a connection to a private target must never serve a guarded request.
        self._guarded = self._session(self._rules)
        self._trusted = self._session(None)

    async def close(self) -> None:
        for session in (self._guarded, self._trusted):
            if session is not None:
                await session.close()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Pairs = (),
        params: Pairs = (),
        body: bytes | None = None,
        connect_timeout: float = 10.0,
        read_timeout: float = 60.0,
        total_timeout: float | None = None,
        max_bytes: int = _MAX_BYTES,
        follow_redirects: bool = True,
        verify_tls: bool = True,
        trusted: bool = False,
    ) -> GuardedResponse:
        """The whole answer; any status is an answer."""
        async with self.stream(
            method,
            url,
            headers=headers,
            params=params,
            body=body,
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            total_timeout=total_timeout or connect_timeout + read_timeout,
            max_bytes=max_bytes,
            follow_redirects=follow_redirects,
            verify_tls=verify_tls,
            trusted=trusted,
        ) as answer:
            return GuardedResponse(
                status=answer.status,
                headers=answer.headers,
                body=await answer.read(),
                url=answer.url,
            )

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Pairs = (),
        params: Pairs = (),
        body: bytes | None = None,
        connect_timeout: float = 10.0,
        read_timeout: float = 60.0,
        total_timeout: float | None = None,
        max_bytes: int = _STREAM_BYTES,
        follow_redirects: bool = False,
        verify_tls: bool = True,
        trusted: bool = False,
    ) -> AsyncGenerator[GuardedStream]:
        """The answer from its headers on; leaving the context cuts the connection.

        `total_timeout` None: only silence is bounded."""
        timeout = aiohttp.ClientTimeout(
            total=total_timeout, connect=connect_timeout, sock_read=read_timeout
        )
        hop = Hop(
            method=_method(method),
            url=_url(url, params),
            headers=_headers(headers),
            body=body,
            trusted=trusted,
        )
        asking = client_span(hop.method, str(hop.url))
        _tell_trace(hop.headers, asking)
        with self._told() as answer, ending(asking), _translated(hop.url):
            # The client's own bound counts each hop anew.
            async with asyncio.timeout(total_timeout):
                response = await self._answered(hop, timeout, follow_redirects, verify_tls)
            note_status(asking, response.status)
            answer.outcome = f"{response.status // 100}xx"
        try:
            yield GuardedStream(
                status=response.status,
                headers=tuple((_text(key), _text(value)) for key, value in response.raw_headers),
                url=str(response.url),
                chunks=_chunks(response, max_bytes),
            )
        finally:
            response.close()

    @contextmanager
    def _told(self) -> Generator["_Answer"]:
        answer, begun = _Answer(), time.perf_counter()
        try:
            yield answer
        except BaseException as error:
            answer.outcome = error_name(error)
            raise
        finally:
            self._on_answer(answer.outcome, time.perf_counter() - begun)

    async def _answered(
        self, hop: Hop, timeout: aiohttp.ClientTimeout, follow_redirects: bool, verify_tls: bool
    ) -> aiohttp.ClientResponse:
        for _ in range(_MAX_HOPS):
            session = self._trusted if hop.trusted else self._guarded
            if session is None:
                raise RuntimeError("GuardedHttp.start was not awaited")
            if not hop.trusted:
                self._rules.check_url(hop.url)
            response = await session.request(
                hop.method,
                hop.url,
                headers=hop.headers,
                data=hop.body,
                timeout=timeout,
                allow_redirects=False,
                ssl=self._tls if verify_tls else False,
            )
            if not follow_redirects or response.status not in REDIRECT_STATUSES:
                return response
            location = response.headers.get("Location")
            if location is None:
                return response
            response.close()
            hop = follow(hop, response.status, location)
        raise UpstreamError(f"more than {_MAX_HOPS} redirects")

    def _session(self, rules: EgressRules | None) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=CheckedResolver(self._resolve, rules, self._rules),
                use_dns_cache=False,
                limit=_CONNECTIONS,
                keepalive_timeout=_KEEP_ALIVE_SECONDS,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            headers={"User-Agent": "Heddle", "Accept-Encoding": "gzip, deflate"},
        )


@contextmanager
def _translated(url: URL) -> Generator[None]:
    """The client library's errors as ours. Only the host is named: paths may hold secrets."""
    try:
        yield
    except (aiohttp.ServerTimeoutError, TimeoutError) as error:
        raise UpstreamTimeout(f"{url.raw_host} did not answer in time", retryable=True) from error
    except (aiohttp.InvalidURL, ValueError) as error:
        raise InvalidInput(f"the request cannot be sent: {error}") from error
    except (aiohttp.ClientError, OSError) as error:
        raise UpstreamError(
            f"{url.raw_host} cannot be reached or broke off: {type(error).__name__}", retryable=True
        ) from error


async def _chunks(response: aiohttp.ClientResponse, max_bytes: int) -> AsyncGenerator[bytes, None]:
    with _translated(response.url):
        async for chunk in read_chunks(response, max_bytes):
            yield chunk


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        # What old servers mean; the client library would make text that nothing can encode.
        return raw.decode("latin-1")


def _url(text: str, params: Pairs) -> URL:
    try:
        url = URL(text)
        return url.extend_query(params) if params else url
    except (ValueError, TypeError) as error:
        raise InvalidInput(f"not a URL: {error}") from error


def _method(text: str) -> str:
    if not _TOKEN.match(text):
        raise InvalidInput(f"{text!r} is no HTTP method")
    return text.upper()


def _tell_trace(headers: CIMultiDict[str], asking: Span | None) -> None:
    traceparent = asking.traceparent if asking else current_traceparent()
    if traceparent is not None and _TRACEPARENT not in headers:
        headers[_TRACEPARENT] = traceparent


def _headers(pairs: Pairs) -> CIMultiDict[str]:
    headers: CIMultiDict[str] = CIMultiDict()
    for name, value in pairs:
        if not _TOKEN.match(name) or _CONTROL.search(value):
            raise InvalidInput(f"{name!r} is no header, or its value holds control characters")
        if name.lower() not in _OWN_HEADERS:
            headers.add(name, value)
    return headers
