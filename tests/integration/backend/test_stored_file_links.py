"""Links to files that nodes have stored, at the backend's door."""

import base64
from datetime import timedelta
from uuid import UUID

import pytest
from pydantic import SecretStr

from libs.common.clock import SystemClock
from libs.common.identifiers import uuid7
from libs.common.run_seal import RunSeal
from libs.common.stored_file_links import StoredFileAddress, StoredFileLinks
from tests.integration.backend.conftest import MASTER_KEY, House


def link(
    house: House,
    key: str,
    content: bytes,
    *,
    filename: str = "töne.csv",
    mime_type: str = "text/csv",
    sealed_run: UUID | None = None,
    signed_by: SecretStr = MASTER_KEY,
) -> str:
    """As the plugin service makes one."""
    links = StoredFileLinks(
        signed_by, base_url="http://backend", lasting=timedelta(hours=1), clock=SystemClock()
    )
    return links.url(
        StoredFileAddress(
            tenant_id=house.tenant_id,
            object_key=key,
            filename=filename,
            mime_type=mime_type,
            size=len(content),
            sealed_run=sealed_run,
        )
    )


async def test_it_opens_the_file_without_a_key(house: House) -> None:
    key, content = f"command/{house.tenant_id}/{uuid7()}.{uuid7()}", b"a,b\n" * 100_000
    await house.objects.put(key, content)
    answer = await house.http.get(link(house, key, content))
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == "inline; filename*=UTF-8''t%C3%B6ne.csv"
    assert answer.headers["x-content-type-options"] == "nosniff"
    turned = await house.http.get(link(house, key, content, filename="a/\u202egnp.exe\n"))
    assert turned.headers["content-disposition"] == "inline; filename*=UTF-8''gnp.exe"
    page = await house.http.get(link(house, key, content, mime_type="text/html"))
    assert page.headers["content-type"] == "application/octet-stream"
    assert page.headers["content-disposition"].startswith("attachment")


async def test_it_opens_what_a_run_with_secrets_has_stored(house: House) -> None:
    run_id, content = uuid7(), b"made of a secret"
    key = f"http/{house.tenant_id}/{run_id}.{uuid7()}"
    sealed = RunSeal(MASTER_KEY).seal(content, tenant_id=house.tenant_id, run_id=run_id, place=key)
    await house.objects.put(key, sealed)
    answer = await house.http.get(link(house, key, content, sealed_run=run_id))
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-length"] == str(len(content))


@pytest.mark.parametrize("sealed", [False, True])
async def test_a_file_that_was_collected_is_gone(house: House, sealed: bool) -> None:
    run_id = uuid7()
    gone = link(
        house, f"http/{house.tenant_id}/{run_id}.x", b"x", sealed_run=run_id if sealed else None
    )
    answer = await house.http.get(gone)
    assert (answer.status_code, answer.json()["code"]) == (404, "file_not_found")


async def test_another_key_signs_nothing_that_opens(house: House) -> None:
    key = f"command/{house.tenant_id}/{uuid7()}.{uuid7()}"
    await house.objects.put(key, b"x")
    stranger = SecretStr(base64.b64encode(b"s" * 32).decode())
    assert (await house.http.get(link(house, key, b"x", signed_by=stranger))).status_code == 404
    assert (await house.http.get(link(house, key, b"x"))).status_code == 200
