"""A public API whose answers a test writes down, on a real port."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`breaks` ends the connection before the promised length."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    breaks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    line: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True, kw_only=True)
class ScriptedPlatform:
    """Answers by request line (`GET /api/apps`); several answers to a line are given in turn, the
    last one for ever. Every request is kept."""

    answers: dict[str, list[Answer]]
    requests: list[Request] = field(default_factory=list[Request])
    url: str = ""

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        left = self.answers.get(request.line.partition("?")[0], [])
        if not left:
            return Answer(status=404, body=b'{"title": "nothing is written down for this"}')
        return left.pop(0) if len(left) > 1 else left[0]


@contextmanager
def serving(platform: ScriptedPlatform) -> Generator[ScriptedPlatform]:
    """Serve `platform` on a free port; its `url` is set."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            answer = platform.answer(
                Request(
                    line=f"{self.command} {self.path}",
                    headers={name.lower(): value for name, value in self.headers.items()},
                    body=self.rfile.read(length),
                )
            )
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body) + answer.breaks))
            self.end_headers()
            self.wfile.write(answer.body)

        # The names that http.server calls.
        do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    platform.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield platform
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
