"""Named retry policies: data that adapters hand to tenacity."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Exponential back-off with full jitter.

    `attempts` counts the first try. The wait before try n is random in [0, min(cap, first * 2^n)].
    `total` bounds the whole, waits included.
    """

    name: str
    attempts: int
    first: timedelta
    cap: timedelta
    total: timedelta


CONNECT = RetryPolicy(
    name="connect",
    attempts=60,
    first=timedelta(milliseconds=50),
    cap=timedelta(seconds=2),
    total=timedelta(seconds=60),
)
"""Reaching a server at start-up."""

STORE = RetryPolicy(
    name="store",
    attempts=8,
    first=timedelta(milliseconds=20),
    cap=timedelta(seconds=1),
    total=timedelta(seconds=5),
)
"""A transaction that met a deadlock, a lock time-out or a lost connection."""
