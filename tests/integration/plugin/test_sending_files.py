"""Outgoing requests whose bodies are files: fetched or stored, and never another tenant's."""

from collections.abc import AsyncIterator

import pytest

from libs.common.contracts.document_text import RemoteFile, StoredFile
from libs.common.contracts.http_call import FileBody, FormBody, FormField, FormFile, HttpCall
from libs.common.contracts.subjects import FETCH_HTTP
from libs.common.errors import HeddleError
from libs.common.identifiers import uuid7
from libs.common.multipart_stream import MultipartStream, PartHead
from libs.common.object_store.open_store import open_object_store
from libs.common.stored_files import FileMissing, FileTooDemanding
from tests.integration.plugin.conftest import SECONDS, World
from tests.support.scripted_web import WebAsked, WebReply

_URL = "http://api.example.test/keep"
_MIB = 1024 * 1024


async def _send(world: World, body: FileBody | FormBody, call: str = "0") -> None:
    await world.bus.request(
        FETCH_HTTP,
        HttpCall(method="POST", url=_URL, body=body),
        envelope=world.envelope(call, "unsafe"),
        timeout=SECONDS,
    )


async def _parts(asked: WebAsked) -> list[tuple[PartHead, bytes]]:
    async def whole() -> AsyncIterator[bytes]:
        yield asked.body

    stream = MultipartStream(whole(), asked.headers["content-type"])
    found: list[tuple[PartHead, bytes]] = []
    while (head := await stream.next_part()) is not None:
        found.append((head, b"".join([piece async for piece in stream.body()])))
    return found


async def test_a_stored_file_is_a_whole_body(world: World, object_store_url: str) -> None:
    source = StoredFile(object_key=f"uploads/{world.tenant_id}/f.x")
    await open_object_store(object_store_url).put(source.object_key, b"\x00\xff")
    await _send(world, FileBody(source=source, content_type="application/pdf"))
    (asked,) = world.web.asked
    assert asked.body == b"\x00\xff"
    assert asked.headers["content-type"] == "application/pdf"


async def test_a_form_has_files_from_both_places(world: World, object_store_url: str) -> None:
    stored = StoredFile(object_key=f"uploads/{world.tenant_id}/f.x")
    await open_object_store(object_store_url).put(stored.object_key, b"stored")
    linked = RemoteFile(url="http://api.example.test/cat.png")
    world.web.script = lambda asked: WebReply(body=b"linked" if asked.method == "GET" else b"ok")
    body = FormBody(
        multipart=True,
        fields=(FormField(name="note", value="hello"),),
        files=(
            FormFile(name="a", source=stored, filename="a.txt", content_type="text/plain"),
            FormFile(name="b", source=linked),
        ),
    )
    await _send(world, body)
    assert await _parts(world.web.asked[-1]) == [
        (PartHead(name="note", filename=None, content_type=""), b"hello"),
        (PartHead(name="a", filename="a.txt", content_type="text/plain"), b"stored"),
        (PartHead(name="b", filename="b", content_type="application/octet-stream"), b"linked"),
    ]


async def test_nothing_is_sent_where_a_file_cannot_be(world: World, object_store_url: str) -> None:
    objects = open_object_store(object_store_url)
    large = StoredFile(object_key=f"uploads/{world.tenant_id}/large")
    theirs = StoredFile(object_key=f"uploads/{uuid7()}/f.x")
    for source in (large, theirs):
        await objects.put(source.object_key, bytes(11 * _MIB))
    two = tuple(FormFile(name=name, source=large) for name in "ab")
    wanted: list[tuple[FileBody | FormBody, type[HeddleError]]] = [
        (FileBody(source=theirs), FileMissing),
        (FileBody(source=StoredFile(object_key=f"uploads/{world.tenant_id}/none")), FileMissing),
        (FormBody(multipart=True, files=two), FileTooDemanding),
    ]
    for number, (body, error) in enumerate(wanted):
        with pytest.raises(error):
            await _send(world, body, call=str(number))
    assert world.web.asked == []
