"""Waiting for what another process does."""

import threading
import time
from collections.abc import Callable

_POLL_SECONDS = 0.02


def eventually(holds: Callable[[], bool], *, within: float = 20.0, what: str = "it") -> None:
    """Return as soon as `holds()` is true. Fails after `within` seconds."""
    deadline = time.monotonic() + within
    pause = threading.Event()
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {within:g} s")
        pause.wait(_POLL_SECONDS)
