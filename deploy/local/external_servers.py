"""Whether an operator's servers are there before anything is started for them."""

import socket
from urllib.parse import urlsplit

from deploy.local.stack_error import LocalStackError

_SECONDS = 5.0
_NATS_PORT = 4222


def require_nats(urls: str) -> None:
    """Raises LocalStackError when nothing answers at any of `urls`, which commas separate.

    Services wait for NATS, so a mistyped URL would look like a slow start.
    """
    found: list[str] = []
    for url in urls.split(","):
        try:
            parts = urlsplit(url if "//" in url else f"//{url}")
            place = parts.hostname or "", parts.port or _NATS_PORT
        except ValueError:
            # The URL itself may hold a password.
            found.append("one is not a URL")
            continue
        try:
            socket.create_connection(place, timeout=_SECONDS).close()
        except OSError as error:
            found.append(f"{place[0]}:{place[1]} says: {error}")
        else:
            return
    raise LocalStackError(
        f"No NATS server answers at HEDDLE_NATS_URL ({'; '.join(found)}).",
        remedy="Start it or correct the URL; it reads nats://user:password@host:port.",
    )
