"""Questions to ports of this machine."""

import http.client
import secrets
import socket

LOOPBACK = "127.0.0.1"
_LOWEST, _BEYOND = 20_000, 32_000
_TRIES = 200


def free_port() -> int:
    """A port nobody listens on at the moment, and no stack has claimed.

    It lies below the range from which the system takes ports for outgoing connections: one of
    those may grab a port between our looking and the server's listening, or while it restarts.
    """
    for _ in range(_TRIES):
        port = _LOWEST + secrets.randbelow(_BEYOND - _LOWEST)
        if is_free(port) and not _is_claimed(port):
            return port
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        left: int = probe.getsockname()[1]
        return left


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` now."""
    with socket.socket() as probe:
        # As servers do: a port whose old connections are in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def claim_address(port: int) -> str:
    """The abstract socket that says that a stack is about to listen on `port`."""
    return f"\0heddle-port-{port}"


def _is_claimed(port: int) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.bind(claim_address(port))
        except OSError:
            return True
        return False


def answers_ok(port: int, path: str, *, seconds: float = 1.0) -> bool:
    """Whether GET `path` answers 200 within `seconds`."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=seconds)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def accepts_connections(port: int, *, seconds: float = 1.0) -> bool:
    """Whether something listens on `port`."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=seconds):
            return True
    except OSError:
        return False
