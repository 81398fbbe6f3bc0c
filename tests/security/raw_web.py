"""A web server that answers with any bytes at all, also such as are no HTTP."""

import socketserver
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

_MOST_SECONDS = 60.0


@dataclass(slots=True)
class RawWeb:
    """`reply` is the whole answer to every request, given while `open` is set; `asked` counts
    the requests."""

    reply: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    address: str = ""
    asked: int = 0
    open: threading.Event = field(default_factory=threading.Event)


@contextmanager
def raw_web() -> Generator[RawWeb]:
    """A running server on a free port."""
    web = RawWeb()
    web.open.set()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            web.asked += 1
            web.open.wait(_MOST_SECONDS)
            self.request.sendall(web.reply)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that has gone away is what some of the tests want."""

    with Server(("127.0.0.1", 0), Handler) as server:
        host, port = server.server_address[:2]
        web.address = f"{host!s}:{port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield web
        finally:
            server.shutdown()
            thread.join(5)
