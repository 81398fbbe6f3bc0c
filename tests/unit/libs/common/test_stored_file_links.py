"""Addresses of stored files: whose key made them, what they name, and until when."""

import base64
import re
from datetime import timedelta

import pytest
from pydantic import SecretStr

from libs.common.identifiers import uuid7
from libs.common.stored_file_links import LINK_PATTERN, StoredFileAddress, StoredFileLinks
from tests.support.manual_clock import ManualClock

ONE, OTHER = (base64.b64encode(bytes([place]) * 32).decode() for place in (1, 2))
FILE = StoredFileAddress(
    tenant_id=uuid7(),
    object_key="command/t/r.f",
    filename="out.csv",
    mime_type="text/csv",
    size=7,
    sealed_run=uuid7(),
)


def links(
    keys: str = ONE, *, clock: ManualClock | None = None, base: str | None = "https://h/"
) -> StoredFileLinks:
    return StoredFileLinks(
        SecretStr(keys), base_url=base, lasting=timedelta(days=7), clock=clock or ManualClock()
    )


def token(url: str) -> str:
    return url.rpartition("/")[2]


def test_another_replica_reads_what_one_has_made() -> None:
    url = links().url(FILE)
    assert url.startswith("https://h/files/n.")
    assert re.search(LINK_PATTERN + "$", url)
    found = links(base=None).address(token(url))
    assert found is not None
    assert found.model_copy(update={"expires_at": 0}) == FILE


async def test_it_ends_with_a_day_a_week_later() -> None:
    clock = ManualClock()
    ours = links(clock=clock)
    made = token(ours.url(FILE))
    await clock.advance(timedelta(days=7).total_seconds())
    assert ours.address(made) is not None
    await clock.advance(timedelta(days=1).total_seconds() + 1)
    assert ours.address(made) is None


def test_a_key_that_is_being_replaced_still_opens() -> None:
    made = token(links(ONE).url(FILE))
    assert links(f"{OTHER},{ONE}").address(made) is not None
    assert links(OTHER).address(made) is None


def test_nothing_else_opens() -> None:
    made = token(links().url(FILE))
    head, payload, signature = made.split(".")
    swapped = ("A" if payload[9] != "A" else "B").join((payload[:9], payload[10:]))
    for wrong in (
        f"{head}.{swapped}.{signature}",
        f"{head}.{payload}.{signature[:-2]}",
        f"{head}.{payload}.",
        f"{head}.{payload}",
        f"{made}=",
        "n.a.a",
        "n.é.a",
        "",
    ):
        assert links().address(wrong) is None, wrong


@pytest.mark.parametrize("name", ["x" * 5000, "ü" * 300, 'a"/..\n'])
def test_a_name_has_its_bound(name: str) -> None:
    found = links().address(token(links().url(FILE.model_copy(update={"filename": name}))))
    assert found is not None
    assert found.filename == name[-200:]


def test_without_an_address_of_the_backend_there_is_none() -> None:
    assert links(base=None).url(FILE) == ""
