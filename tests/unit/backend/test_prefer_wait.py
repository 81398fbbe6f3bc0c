"""The wait of a Prefer header."""

import pytest

from services.backend.domain.runs.prefer_wait import preferred_wait


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        (None, None),
        ("", None),
        ("respond-async", None),
        ("wait=10", 10),
        ('respond-async, Wait = "7"', 7),
        ("wait=5;foo=1, wait=9", 5),
        ("wait=-1", None),
        ("wait=1e9", None),
        ("awaiting=4", None),
    ],
)
def test_preferred_wait(prefer: str | None, seconds: int | None) -> None:
    assert preferred_wait(prefer) == seconds
