"""Documents as the service reads them: fetched or stored, told by name, under their limits."""

import pytest

from libs.common.contracts.document_text import (
    DocumentCall,
    DocumentText,
    FileSource,
    RemoteFile,
    StoredFile,
)
from libs.common.contracts.http_call import HttpCall
from libs.common.contracts.subjects import FETCH_HTTP, READ_DOCUMENT
from libs.common.errors import CallerError, HeddleError, UpstreamError
from libs.common.guarded_http.egress_errors import EgressRefused, ResponseTooLarge
from libs.common.identifiers import uuid7
from libs.common.object_store.open_store import open_object_store
from tests.integration.plugin.conftest import SECONDS, World
from tests.support import document_files
from tests.support.scripted_web import WebReply

_URL = "http://api.example.test/files/a"


async def _read(
    world: World, source: FileSource, filename: str = "", mime_type: str = "", *, call: str = "0"
) -> DocumentText:
    asked = DocumentCall(source=source, filename=filename, mime_type=mime_type)
    envelope = world.envelope(call)
    return await world.bus.request(READ_DOCUMENT, asked, envelope=envelope, timeout=SECONDS)


async def test_a_remote_file_is_known_by_its_address_and_read_once(world: World) -> None:
    world.web.script = lambda _: WebReply(body=document_files.pdf("Hello"))
    first = await _read(world, RemoteFile(url=f"{_URL}%20b.pdf?x=1"))
    again = await _read(world, RemoteFile(url=f"{_URL}%20b.pdf?x=1"))
    assert first == again
    assert (first.text, first.format) == ("Hello", "pdf")
    assert len(world.web.asked) == 1


async def test_a_remote_file_is_known_by_what_its_host_says(world: World) -> None:
    world.web.script = lambda _: WebReply(
        body=b"a,b", headers={"content-type": "text/csv; charset=utf-8"}
    )
    read = await _read(world, RemoteFile(url=_URL))
    assert (read.text, read.format, read.size) == ("| a | b |\n| --- | --- |", "csv", 3)


async def test_a_file_that_a_request_brought_is_read_from_the_store(world: World) -> None:
    world.web.script = lambda _: WebReply(
        body=document_files.docx("Hello"), headers={"content-type": "application/octet-stream"}
    )
    fetched = await world.bus.request(
        FETCH_HTTP,
        HttpCall(method="GET", url=_URL),
        envelope=world.envelope("0"),
        timeout=SECONDS,
    )
    assert fetched.object_key is not None
    stored = StoredFile(object_key=fetched.object_key)
    assert (await _read(world, stored, "a.docx", call="1")).text == "Hello"


@pytest.mark.parametrize(
    "owner", ["http/{other}/1", "{other}/{own}/1", "{own}", "{own}/../{other}/1"]
)
async def test_another_tenants_file_is_not_there(
    world: World, owner: str, object_store_url: str
) -> None:
    other = uuid7()
    objects = open_object_store(object_store_url)
    await objects.put(f"http/{other}/1", b"secret")
    await objects.put(f"{other}/1", b"secret")
    key = owner.format(other=other, own=world.tenant_id)
    with pytest.raises(HeddleError) as refused:
        await _read(world, StoredFile(object_key=key), "a.txt")
    assert refused.value.code == "file_missing"


_FAILURES: list[tuple[WebReply, str, str]] = [
    (WebReply(body=b"x"), "a.exe", "file_unsupported"),
    (WebReply(body=b"x"), "a.pdf", "file_unreadable"),
    (WebReply(body=document_files.bomb("word/document.xml")), "a.docx", "file_too_demanding"),
    (WebReply(body=b"x" * 5_000_000), "a.txt", "file_too_demanding"),
    (WebReply(status=404, body=b"x"), "a.txt", "file_not_served"),
]


@pytest.mark.parametrize(("reply", "filename", "code"), _FAILURES)
async def test_a_file_that_cannot_be_read_says_why(
    world: World, reply: WebReply, filename: str, code: str
) -> None:
    world.web.script = lambda _: reply
    with pytest.raises((CallerError, UpstreamError)) as refused:
        await _read(world, RemoteFile(url=_URL), filename)
    assert refused.value.code == code
    assert refused.value.extra.get("recorded")


async def test_a_file_without_end_is_cut_off_while_it_comes(world: World) -> None:
    world.web.script = lambda _: WebReply(body=b"x" * 21 * 1024 * 1024)
    with pytest.raises(ResponseTooLarge):
        await _read(world, RemoteFile(url=_URL), "a.txt")


async def test_a_private_address_is_refused(world: World) -> None:
    with pytest.raises(EgressRefused):
        await _read(world, RemoteFile(url=f"http://{world.web.http}/a"), "a.txt")
    assert not world.web.asked
