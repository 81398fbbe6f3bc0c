"""The upload door, and how a file comes back."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from libs.common.clock import SystemClock
from libs.common.identifiers import uuid7
from services.backend.app.files.collect_uploads import CollectUploads
from services.backend.infra.postgres.file_repository import PostgresFileRepository
from tests.integration.backend.conftest import House, bearer
from tests.integration.backend.documents import app
from tests.integration.backend.file_apps import PNG, file_app, local, sent, uploaded
from tests.support.manual_clock import ManualClock

_MIB = 1024 * 1024


@pytest.fixture
async def key(house: House) -> str:
    return (await house.imported(file_app()))["api_key"]


async def keys_of_objects(house: House) -> list[str]:
    return [info.key async for info in house.objects.list("uploads/")]


async def test_a_file_is_told_as_clients_know_it(house: House, key: str) -> None:
    answer = await sent(house, key, "C:\\tmp\\Ré sumé.PDF", b"%PDF", mime_type="application/pdf")
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["name"], told["size"]) == ("Ré sumé.PDF", 4)
    assert (told["extension"], told["mime_type"]) == ("pdf", "application/pdf")
    assert isinstance(told["created_at"], int)
    (stored,) = await keys_of_objects(house)
    assert stored.startswith(f"uploads/{house.tenant_id}/{told['id']}.")
    assert await house.objects.get(stored) == b"%PDF"


async def test_the_user_may_stand_behind_the_file(house: House, key: str) -> None:
    content = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello\r\n'
        b'--b\r\nContent-Disposition: form-data; name="user"\r\n\r\nada\r\n--b--\r\n'
    )
    answer = await posted(house, key, content)
    assert answer.status_code == 201, answer.text
    first = await sent(house, key, "a.txt", b"")
    assert answer.json()["created_by"] == first.json()["created_by"]
    assert answer.json()["mime_type"] == "text/plain"


async def posted(house: House, key: str, content: bytes | AsyncIterator[bytes]) -> httpx.Response:
    headers = {**bearer(key), "Content-Type": "multipart/form-data; boundary=b"}
    return await house.http.post("/v1/files/upload", content=content, headers=headers)


def part(disposition: str, body: bytes = b"x") -> bytes:
    return f"--b\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode() + body + b"\r\n"


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"--b--", 400, "no_file_uploaded"),
        (part("name=file"), 400, "no_file_uploaded"),
        (part('name=other; filename="a.txt"'), 400, "no_file_uploaded"),
        (part('name=file; filename="a.txt"') * 2, 400, "too_many_files"),
        (part('name=file; filename=""'), 400, "filename_not_exists"),
        (part('name=file; filename="/.."'), 400, "filename_not_exists"),
        (part('name=file; filename="a.unheard"'), 415, "unsupported_file_type"),
        (part('name=file; filename="a.png"', bytes(_MIB + 1)), 413, "file_too_large"),
        (part('name=file; filename="a.txt"', bytes(2 * _MIB + 1)), 413, "file_too_large"),
        (b"--b\r\nand nothing else", 400, "invalid_param"),
    ],
)
async def test_what_is_refused_leaves_nothing(
    house: House, key: str, content: bytes, status: int, code: str
) -> None:
    whole = content if content.startswith(b"--b--") or b"nothing" in content else content + b"--b--"
    answer = await posted(house, key, whole)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.json()["status"] == status
    assert await keys_of_objects(house) == []


async def test_a_body_above_every_limit_is_not_even_read(house: House, key: str) -> None:
    headers = {**bearer(key), "Content-Length": str(200 * _MIB)}
    answer = await house.http.post("/v1/files/upload", content=b"", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")


async def test_another_body_is_refused_in_the_wires_shape(house: House, key: str) -> None:
    answer = await house.http.post("/v1/files/upload", json={"user": "u"}, headers=bearer(key))
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_param")


@pytest.mark.parametrize(
    ("name", "said", "kind", "shown"),
    [
        ("a.png", "image/png", "image/png", "inline"),
        ("a.txt", "text/plain", "text/plain; charset=utf-8", "inline"),
        ("a.html", "text/html", "application/octet-stream", "attachment"),
        ("a.svg", "image/svg+xml", "application/octet-stream", "attachment"),
        ("a.png", "text/html", "application/octet-stream", "attachment"),
    ],
)
async def test_a_preview_is_never_a_page(
    house: House, key: str, name: str, said: str, kind: str, shown: str
) -> None:
    file_id = await uploaded(house, key, name, PNG, mime_type=said)
    answer = await house.http.get(f"/v1/files/{file_id}/preview", headers=bearer(key))
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["content-type"] == kind
    assert answer.headers["content-disposition"] == f"{shown}; filename*=UTF-8''{name}"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["content-length"] == str(len(PNG))
    saved = await house.http.get(
        f"/v1/files/{file_id}/preview?as_attachment=true", headers=bearer(key)
    )
    assert saved.headers["content-disposition"].startswith("attachment")
    assert saved.headers["content-type"] == "application/octet-stream"


async def test_an_upload_that_is_sent_again_is_the_same_file(house: House, key: str) -> None:
    async def again(name: str, content: bytes, user: str = "ada") -> httpx.Response:
        return await house.http.post(
            "/v1/files/upload",
            files={"file": (name, content, "text/plain")},
            data={"user": user},
            headers={**bearer(key), "Idempotency-Key": "one"},
        )

    first, second = await again("a.txt", b"hello"), await again("a.txt", b"hello")
    assert second.json() == first.json()
    for name, content in (("b.txt", b"hello"), ("a.txt", b"other")):
        other = await again(name, content)
        assert (other.status_code, other.json()["code"]) == (409, "conflict")
    assert len(await keys_of_objects(house)) == 1
    assert (await again("a.txt", b"other", user="eve")).status_code == 201


async def test_a_file_of_another_app_is_unknown(house: House, key: str) -> None:
    file_id = await uploaded(house, key, "a.txt", b"mine")
    other = (await house.imported(app(name="Other")))["api_key"]
    for wanted in (file_id, str(uuid7())):
        answer = await house.http.get(f"/v1/files/{wanted}/preview", headers=bearer(other))
        assert (answer.status_code, answer.json()["code"]) == (404, "file_not_found")


async def test_a_signed_link_opens_its_file_until_it_is_over(house: House, key: str) -> None:
    file_id = await uploaded(house, key, "a.txt", b"hello")
    link = house.cases.file_links.url(house.tenant_id, uuid7())
    assert (await house.http.get(link)).status_code == 404
    token = house.cases.file_links.url(house.tenant_id, UUID(file_id))
    assert token.startswith("http://backend/files/")
    answer = await house.http.get(token)
    assert (answer.status_code, answer.content) == (200, b"hello")
    swapped = token[:-1] + ("A" if token[-1] != "A" else "B")
    assert (await house.http.get(swapped)).status_code == 404
    assert (await house.http.get("/files/none")).status_code == 404


async def test_what_no_run_names_goes_after_a_day(house: House, key: str) -> None:
    named = await uploaded(house, key, "a.json", b"{}", mime_type="application/json")
    await uploaded(house, key, "b.txt", b"b")
    await house.objects.put(f"uploads/{house.tenant_id}/{uuid7()}.secret", b"never committed")
    body = {"inputs": {"doc": local(named, "custom")}, "query": "q", "user": "ada"}
    answer = await house.http.post("/v1/chat-messages", json=body, headers=bearer(key))
    assert answer.status_code == 200, answer.text
    clock = ManualClock()
    await clock.advance((SystemClock().now() - clock.now()).total_seconds())
    collect = CollectUploads(
        files=PostgresFileRepository(house.pool, house.sweeper_pool),
        objects=house.objects,
        clock=clock,
    )
    assert await collect.collect() == 0
    async with house.pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "select set_config('heddle.tenants', $1, true)", str(house.tenant_id)
        )
        await connection.execute(
            "update backend.uploaded_files set created_at = created_at - interval '25 hours'"
        )
    await clock.advance(timedelta(hours=25).total_seconds())
    assert await collect.collect() == 2
    (kept,) = await keys_of_objects(house)
    assert named in kept
