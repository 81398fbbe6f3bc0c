"""OpenAI's chat completions wire (platform.openai.com/docs/api-reference/chat), as many vendors
speak it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
import msgspec

from libs.common.clock import Clock
from libs.common.errors import UpstreamTimeout
from libs.common.guarded_http.request_parts import idempotency_value
from libs.common.http_spans import client_span, note_status
from libs.common.tracing import Span, ending
from services.inference.app.ports.chat_wire import UpstreamCall
from services.inference.domain.chat.upstream_part import Finish, UpstreamPart
from services.inference.domain.errors import (
    CredentialMissing,
    ProviderFailed,
    ProviderStreamBroken,
)
from services.inference.infra.wires.event_stream import EventStreamParser
from services.inference.infra.wires.openai_reply import parts_of
from services.inference.infra.wires.openai_request import request_body
from services.inference.infra.wires.provider_errors import refusal, scrub

_MAX_ERROR_BYTES = 64 * 1024
_MAX_ANSWER_BYTES = 64 * 1024 * 1024
_LONGEST_SECONDS = 3600.0
"""For a provider that never is silent and never ends."""
_DONE = b"[DONE]"
_encoder = msgspec.json.Encoder()


class OpenAiCompatibleWire:
    """Stateless over one pooled session, which its owner closes."""

    def __init__(self, session: aiohttp.ClientSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    async def chat(self, upstream: UpstreamCall) -> AsyncGenerator[UpstreamPart, None]:
        """See ChatWire.chat."""
        url = f"{_base_url(upstream)}/chat/completions"
        asking = client_span("POST", url, parent=upstream.traceparent)
        with ending(asking):
            async with self._answer(upstream, url, asking) as response:
                note_status(asking, response.status)
                is_events = "text/event-stream" in response.headers.get("content-type", "")
                if upstream.call.stream and is_events:
                    async for part in _streamed(response):
                        yield part
                else:
                    body = await _bounded(response, _MAX_ANSWER_BYTES)
                    for part in _whole(body):
                        yield part

    @asynccontextmanager
    async def _answer(
        self, upstream: UpstreamCall, url: str, asking: Span | None
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        provider = upstream.model.provider
        secrets = tuple(upstream.credential.values.values())
        timeout = aiohttp.ClientTimeout(
            total=_LONGEST_SECONDS,
            sock_connect=upstream.connect_seconds,
            sock_read=upstream.idle_seconds,
        )
        traceparent = asking.traceparent if asking else upstream.traceparent
        try:
            async with self._session.post(
                url,
                data=_encoder.encode(request_body(upstream)),
                headers=_headers(upstream, traceparent),
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                if response.status != 200:
                    note_status(asking, response.status)
                    body = await _bounded(response, _MAX_ERROR_BYTES)
                    raise refusal(
                        response.status,
                        {name.lower(): value for name, value in response.headers.items()},
                        body,
                        provider=provider.id,
                        secrets=secrets,
                        clock=self._clock,
                    )
                yield response
        except aiohttp.ServerTimeoutError as cause:
            msg = f"{provider.id} was silent for {upstream.idle_seconds:g} s"
            raise UpstreamTimeout(msg, retryable=True) from cause
        except TimeoutError as cause:
            msg = f"{provider.id} had not ended after {_LONGEST_SECONDS:g} s"
            raise UpstreamTimeout(msg, retryable=False) from cause
        except aiohttp.ClientConnectorError as cause:
            at = f"{cause.host}:{cause.port}"
            msg = scrub(f"cannot reach {provider.id} at {at}: {cause.strerror or cause}", secrets)
            raise ProviderFailed(msg, retryable=True) from cause
        except (aiohttp.ClientError, ConnectionError) as cause:
            msg = scrub(f"the connection to {provider.id} broke: {cause}", secrets)
            raise ProviderStreamBroken(msg, retryable=True) from cause


async def _streamed(response: aiohttp.ClientResponse) -> AsyncGenerator[UpstreamPart, None]:
    parser = EventStreamParser()
    finish: Finish | None = None
    done = False
    async for chunk in _chunks(response, _MAX_ANSWER_BYTES):
        for data in parser.feed(chunk):
            if data == _DONE:
                done = True
                continue
            for part in parts_of(data):
                if isinstance(part, Finish):
                    finish = finish or part
                else:
                    yield part
        if done:
            break
    if not done:
        for data in parser.close():
            for part in parts_of(data) if data != _DONE else ():
                finish = part if isinstance(part, Finish) else finish
    if finish is None:
        msg = "the provider's stream ended before its answer was finished"
        raise ProviderStreamBroken(msg, retryable=True)
    yield finish


def _whole(body: bytes) -> list[UpstreamPart]:
    parts = list(parts_of(body))
    if not any(isinstance(part, Finish) for part in parts):
        msg = "the provider's answer has no finished choice"
        raise ProviderStreamBroken(msg, retryable=True)
    return parts


async def _bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    return b"".join([chunk async for chunk in _chunks(response, limit)])


async def _chunks(response: aiohttp.ClientResponse, limit: int) -> AsyncGenerator[bytes, None]:
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > limit:
            msg = f"the provider's answer exceeds {limit} bytes"
            raise ProviderStreamBroken(msg)
        yield chunk


def _base_url(upstream: UpstreamCall) -> str:
    url = upstream.credential.base_url or upstream.model.provider.base_url
    if not url:
        msg = f"the provider `{upstream.model.provider.id}` needs a base URL with its credential"
        raise CredentialMissing(msg)
    return url.rstrip("/")


def _headers(upstream: UpstreamCall, traceparent: str | None) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    if traceparent is not None:
        headers["traceparent"] = traceparent
    auth = upstream.model.provider.auth
    key = upstream.credential.values.get("api_key", "")
    if key and auth.style == "bearer":
        headers["Authorization"] = f"Bearer {key}"
    elif key and auth.style == "header" and auth.header:
        headers[auth.header] = key
    if upstream.idempotency_key:
        headers["Idempotency-Key"] = idempotency_value(upstream.idempotency_key)
    return headers
