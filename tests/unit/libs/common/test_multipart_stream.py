"""Multipart bodies, however their bytes are cut on the way."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import encode_multipart_formdata
from urllib3.fields import RequestField

from libs.common.errors import InvalidInput
from libs.common.multipart_stream import MultipartStream, PartHead

TYPE = 'multipart/form-data; boundary="b"'
Part = tuple[PartHead, bytes]


async def cut(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def read(body: bytes, content_type: str = TYPE, size: int = 7) -> list[Part]:
    stream = MultipartStream(cut(body, size), content_type)
    found: list[Part] = []
    while (head := await stream.next_part()) is not None:
        found.append((head, b"".join([piece async for piece in stream.body()])))
    return found


def one(head: bytes, body: bytes = b"x") -> bytes:
    return b"--b\r\n" + head + b"\r\n\r\n" + body + b"\r\n--b--"


@given(
    content=st.binary(max_size=300) | st.just(b"\r\n--b" * 9 + b"\r\n-" * 9),
    size=st.integers(1, 40),
)
async def test_a_body_of_the_usual_clients_comes_back(content: bytes, size: int) -> None:
    field = RequestField(
        "file", content, filename='a "b"/é.txt', headers={"Content-Type": "text/plain"}
    )
    field.make_multipart(content_type="text/plain")
    body, kind = encode_multipart_formdata([("user", "ada"), field])
    user, file = await read(body, kind, size)
    assert user == (PartHead(name="user", filename=None, content_type=""), b"ada")
    head = PartHead(name="file", filename="a %22b%22/é.txt", content_type="text/plain")
    assert file == (head, content)


async def test_parts_that_nobody_reads_are_skipped() -> None:
    body = b"--b\r\n\r\n\r\nlong\r\n--b \r\ncontent-disposition: form-data; name=u\r\n\r\n\r\n--b--"
    stream = MultipartStream(cut(b"preamble\r\n" + body, 3), TYPE)
    assert await stream.next_part() == PartHead(name="", filename=None, content_type="")
    head = await stream.next_part()
    assert head is not None
    assert (head.name, await stream.text()) == ("u", "")
    assert await stream.next_part() is None


async def test_an_input_without_a_chosen_file_has_an_empty_name() -> None:
    ((head, _),) = await read(one(b'Content-Disposition: form-data; name="file"; filename=""'))
    assert head.filename == ""


async def test_an_extended_name_is_understood() -> None:
    told = b"Content-Disposition: form-data; name=file; filename*=UTF-8''%e2%82%ac.txt"
    ((head, _),) = await read(one(told))
    assert head.filename == "€.txt"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no boundary at all",
        b"--b\r\nx: y",
        b"--b\r\n\r\nno end",
        b"--bc\r\n\r\n\r\n--b--",
        one(b"x: " + b"y" * 20_000),
        one(b"Content-Disposition: form-data; filename*=a\0'en'x"),
        b"--b\r\n\r\n\r\n" * 101 + b"--b--",
    ],
)
async def test_what_is_no_such_body_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        await read(body)


@pytest.mark.parametrize(
    "content_type",
    ["", "application/json", "multipart/form-data", "multipart/form-data; boundary=",
     "multipart/form-data; boundary=é", f"multipart/form-data; boundary={'b' * 201}"],
)  # fmt: skip
async def test_another_content_type_is_refused(content_type: str) -> None:
    with pytest.raises(InvalidInput):
        await read(one(b"a: b"), content_type)


@pytest.mark.parametrize("content", [b"x" * 70_000, b"\xff"])
async def test_a_field_that_is_too_long_or_no_text_is_refused(content: bytes) -> None:
    stream = MultipartStream(cut(one(b"a: b", content), 1000), TYPE)
    await stream.next_part()
    with pytest.raises(InvalidInput):
        await stream.text()
