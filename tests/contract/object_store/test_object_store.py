"""What every object store does, over files and over a real S3-speaking server."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import quote
from uuid import uuid4

import pytest

from libs.common.errors import InvalidInput
from libs.common.object_store.filesystem_store import FilesystemStore
from libs.common.object_store.object_keys import ObjectMissing
from libs.common.object_store.open_store import ObjectStoreUrlRefused, open_object_store
from libs.common.object_store.s3_store import ObjectStoreAway, S3Store
from libs.common.object_store.store import ObjectStore
from tests.support.s3_server import S3Server

_MIB = 1024 * 1024


@pytest.fixture(params=["file", "s3"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[ObjectStore]:
    if request.param == "file":
        url: str = request.getfixturevalue("object_store_url")
    else:
        server: S3Server = request.getfixturevalue("s3_server")
        account = f"{quote(server.access_key)}:{quote(server.secret_key)}"
        url = f"s3://{account}@{server.bucket}/{uuid4().hex}?endpoint={server.endpoint_url}"
    opened: FilesystemStore | S3Store = open_object_store(url)
    yield opened
    await opened.aclose()


@pytest.mark.parametrize("size", [0, 1, 256 * 1024, 20 * _MIB])
async def test_bytes_come_back_as_they_went(store: ObjectStore, size: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"\x00" * (size % 256)
    await store.put("tenant/run/body-1.bin", body)
    assert await store.get("tenant/run/body-1.bin") == body


@pytest.mark.parametrize("size", [0, 1, 8 * _MIB, 20 * _MIB + 1])
async def test_streams_come_back_as_they_went(store: ObjectStore, size: int) -> None:
    body = bytes(range(251)) * (size // 251 + 1)

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, size, 100_000):
            yield body[start : min(start + 100_000, size)]

    assert await store.put_stream("tenant/a", chunks()) == size
    pieces = [piece async for piece in store.stream("tenant/a")]
    assert b"".join(pieces) == body[:size]
    assert all(len(piece) <= _MIB for piece in pieces)


@pytest.mark.parametrize("before", [1, 20 * _MIB])
async def test_a_stream_that_breaks_off_leaves_nothing(store: ObjectStore, before: int) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(0, before, _MIB):
            yield bytes(_MIB)
        raise InvalidInput("broken off")

    with pytest.raises(InvalidInput, match="broken off"):
        await store.put_stream("a", chunks())
    assert [info.key async for info in store.list("")] == []


async def test_a_stream_of_nothing_is_named(store: ObjectStore) -> None:
    with pytest.raises(ObjectMissing, match="missing"):
        await anext(store.stream("missing"))


async def test_a_second_put_replaces_the_first(store: ObjectStore) -> None:
    await store.put("a", b"one")
    await store.put("a", b"two")
    assert await store.get("a") == b"two"


async def test_a_missing_key_is_named(store: ObjectStore) -> None:
    await store.put("a/b", b"")
    for key in ("missing", "a", "a/b/c"):
        with pytest.raises(ObjectMissing, match=key):
            await store.get(key)


async def test_deleting_is_silent_when_nothing_stands_there(store: ObjectStore) -> None:
    await store.put("a", b"")
    await store.delete("a")
    await store.delete("a")
    with pytest.raises(ObjectMissing):
        await store.get("a")


async def test_a_listing_is_by_prefix_and_in_order(store: ObjectStore) -> None:
    for key in ("b/2", "b/10", "bc/1", "a/1", "b/1/x"):
        await store.put(key, key.encode())
    assert [info.key async for info in store.list("b/")] == ["b/1/x", "b/10", "b/2"]
    assert [info.key async for info in store.list("b")] == ["b/1/x", "b/10", "b/2", "bc/1"]
    assert [info.size async for info in store.list("bc/1")] == [4]
    assert [info.key async for info in store.list("none/")] == []
    whole = [info async for info in store.list("")]
    assert len(whole) == 5
    assert all(info.modified.tzinfo is not None for info in whole)


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a//b", "../a", "a/../b", ".", "a b", "é", "a\x00", "a" * 901, "a~b"]
)
async def test_a_key_that_is_no_plain_path_is_refused(store: ObjectStore, key: str) -> None:
    with pytest.raises(InvalidInput):
        await store.put(key, b"")
    with pytest.raises(InvalidInput):
        await store.get(key)
    with pytest.raises(InvalidInput):
        await store.delete(key)


async def test_many_writers_of_one_key_leave_one_whole_body(store: ObjectStore) -> None:
    bodies = [bytes([number]) * 10_000 for number in range(20)]
    await asyncio.gather(*(store.put("a", body) for body in bodies))
    assert await store.get("a") in bodies
    assert [info.key async for info in store.list("")] == ["a"]


async def test_a_server_that_is_away_is_unavailable() -> None:
    store = open_object_store("s3://k:s@objects?endpoint=http://127.0.0.1:1")
    with pytest.raises(ObjectStoreAway):
        await store.get("a")
    await store.aclose()


@pytest.mark.parametrize("url", ["", "ftp://x/y", "s3://", "file://host/x", "s3://b?endpont=x"])
def test_a_url_of_no_kind_is_refused(url: str) -> None:
    with pytest.raises(ObjectStoreUrlRefused):
        open_object_store(url)
