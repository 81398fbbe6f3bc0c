"""All outgoing HTTP: resolved, checked, pinned, bounded."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from libs.common.errors import InvalidInput, UpstreamError, UpstreamTimeout
from libs.common.guarded_http.answers import GuardedResponse, GuardedStream
from libs.common.guarded_http.bounded_body import read_chunks
from libs.common.guarded_http.checked_resolver import CheckedResolver, Resolve, system_resolve
from libs.common.guarded_http.egress_rules import EgressRules
from libs.common.guarded_http.redirects import REDIRECT_STATUSES, Hop, follow
from libs.common.guarded_http.request_parts import Pairs, headers_of, method_of, url_of
from libs.common.http_spans import client_span, note_status
from libs.common.outcomes import outcome_told
from libs.common.tracing import Span, current_traceparent, ending

_MAX_BYTES = 10 * 1024 * 1024
_STREAM_BYTES = 256 * 1024 * 1024
_MAX_HOPS = 10
_CONNECTIONS = 1000
_TRACEPARENT = "traceparent"
_KEEP_ALIVE_SECONDS = 30


OnAnswer = Callable[[str, float], None]
"""Hears of every request `2xx`, `4xx`, ..., `closed` or the stable name of its error, and the
seconds to the answer's headers."""


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
            method=method_of(method),
            url=url_of(url, params),
            headers=headers_of(headers),
            body=body,
            trusted=trusted,
        )
        asking = client_span(hop.method, str(hop.url))
        _tell_trace(hop.headers, asking)
        with outcome_told(self._on_answer) as told, ending(asking), _translated(hop.url):
            # The client's own bound counts each hop anew.
            async with asyncio.timeout(total_timeout):
                response = await self._answered(hop, timeout, follow_redirects, verify_tls)
            note_status(asking, response.status)
            told.name = f"{response.status // 100}xx"
        try:
            yield GuardedStream(
                status=response.status,
                headers=tuple((_text(key), _text(value)) for key, value in response.raw_headers),
                url=str(response.url),
                chunks=_chunks(response, max_bytes),
            )
        finally:
            response.close()

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


def _tell_trace(headers: CIMultiDict[str], asking: Span | None) -> None:
    traceparent = asking.traceparent if asking else current_traceparent()
    if traceparent is not None and _TRACEPARENT not in headers:
        headers[_TRACEPARENT] = traceparent
