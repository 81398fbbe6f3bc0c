"""Images that lie in the object store reach a provider as data URLs, and only their tenant's."""

import base64
from collections.abc import AsyncIterator

import pytest

from libs.common.contracts.chat import ChatCall, ChatMessage, ImageContent, TextContent
from libs.common.contracts.envelope import Envelope
from libs.common.errors import HeddleError, InvalidInput
from libs.common.identifiers import uuid7
from libs.common.object_store.filesystem_store import FilesystemStore
from libs.common.object_store.open_store import open_object_store
from libs.common.stored_files import FileMissing, FileTooDemanding, StoredFiles
from services.inference.app.chat.bring_images import MOST_BYTES, BringImages, names_images

TENANT = uuid7()
KEY = f"uploads/{TENANT}/f.x"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(10)


@pytest.fixture
async def objects(object_store_url: str) -> AsyncIterator[FilesystemStore]:
    store = open_object_store(object_store_url)
    assert isinstance(store, FilesystemStore)
    yield store
    await store.aclose()


def call(*images: ImageContent) -> ChatCall:
    content = (TextContent(text="look"), *images)
    messages = (ChatMessage(role="system", content="s"), ChatMessage(role="user", content=content))
    return ChatCall(model="v/m", messages=messages)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a..", "image/gif"),
        (b"RIFF....WEBPVP8 ", "image/webp"),
    ],
)
async def test_its_first_bytes_say_what_it_is(
    objects: FilesystemStore, body: bytes, kind: str
) -> None:
    await objects.put(KEY, body)
    linked = ImageContent(url="https://x.example.test/a.png")
    asked = call(linked, ImageContent(object_key=KEY, detail="low"))
    assert names_images(asked)
    bring = BringImages(StoredFiles(objects))
    shown = await bring.run(asked, Envelope(tenant_id=TENANT))
    assert not names_images(shown)
    url = f"data:{kind};base64,{base64.b64encode(body).decode()}"
    assert shown == call(linked, ImageContent(url=url, detail="low"))


@pytest.mark.parametrize(
    ("key", "body", "error"),
    [
        (KEY, b"<svg/>", InvalidInput),
        (KEY, PNG + bytes(MOST_BYTES), FileTooDemanding),
        (f"uploads/{uuid7()}/f.x", PNG, FileMissing),
        (f"uploads/{TENANT}/none", None, FileMissing),
    ],
    ids=["no-image", "too-large", "anothers", "missing"],
)
async def test_what_cannot_be_shown_is_told(
    objects: FilesystemStore, key: str, body: bytes | None, error: type[HeddleError]
) -> None:
    if body is not None:
        await objects.put(key, body)
    with pytest.raises(error):
        await BringImages(StoredFiles(objects)).run(
            call(ImageContent(object_key=key)), Envelope(tenant_id=TENANT)
        )


async def test_all_images_together_are_bounded(objects: FilesystemStore) -> None:
    await objects.put(KEY, PNG + bytes(MOST_BYTES // 2))
    image = ImageContent(object_key=KEY)
    bring = BringImages(StoredFiles(objects))
    await bring.run(call(image), Envelope(tenant_id=TENANT))
    with pytest.raises(FileTooDemanding):
        await bring.run(call(image, image), Envelope(tenant_id=TENANT))
