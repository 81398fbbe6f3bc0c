"""A web server on loopback, HTTP and HTTPS, that says what a test told it to."""

import ssl
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.support.certificates import Certificate
from tests.support.serving import serving


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAsked:
    """A request as it arrived; `target` is path and query."""

    method: str
    host: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class WebReply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(slots=True)
class ScriptedWeb:
    """`script` may be replaced at any time; `asked` holds every request in order."""

    script: Callable[[WebAsked], WebReply] = lambda _: WebReply(body=b"ok")
    asked: list[WebAsked] = field(default_factory=list[WebAsked])
    http: str = ""
    https: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        asked = WebAsked(
            method=request.method,
            host=request.host,
            target=str(request.rel_url),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await request.read(),
        )
        self.asked.append(asked)
        reply = self.script(asked)
        return web.Response(status=reply.status, body=reply.body, headers=reply.headers)


@contextmanager
def scripted_web(certificate: Certificate) -> Generator[ScriptedWeb]:
    """A running server; `http` and `https` are its two addresses, `host:port`."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate.certificate, certificate.key)
    server = ScriptedWeb()
    with serving(_app(server)) as plain, serving(_app(server), tls) as secure:
        server.http, server.https = plain, secure
        yield server


def _app(server: ScriptedWeb) -> web.Application:
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", server.handle)
    return app
