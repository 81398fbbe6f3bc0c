"""Times on the terminal."""

from datetime import UTC, datetime


def when(instant: float | None) -> str:
    """A Unix instant in UTC, to the second; "" for None."""
    if instant is None:
        return ""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
