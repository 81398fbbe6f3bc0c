"""Shell lines as the service runs them: files from anywhere in, changed files into the store."""

import pytest

from libs.common.contracts.command_execution import CommandCall, CommandResult, PlacedFile
from libs.common.contracts.document_text import RemoteFile, StoredFile
from libs.common.contracts.subjects import RUN_COMMAND
from libs.common.errors import NotFound
from libs.common.identifiers import uuid7
from libs.common.object_store.open_store import open_object_store
from tests.integration.plugin.conftest import SECONDS, World
from tests.support.scripted_web import WebReply


async def _run(world: World, call: CommandCall, number: str = "0") -> CommandResult:
    envelope = world.envelope(number)
    return await world.bus.request(RUN_COMMAND, call, envelope=envelope, timeout=SECONDS)


async def test_files_come_from_the_web_and_go_to_the_store_and_on(
    world: World, object_store_url: str
) -> None:
    world.web.script = lambda _: WebReply(body=b"b\na\n")
    source = RemoteFile(url="http://api.example.test/list")
    call = CommandCall(
        line='sort in > "$name"; cat "$name"',
        variables={"name": "out.txt"},
        files=(PlacedFile(path="in", source=source),),
    )
    first = await _run(world, call)
    assert (first.status, first.exit_code, first.stdout) == ("ok", 0, "a\nb\n")
    (left,) = first.files
    assert (left.path, left.size) == ("out.txt", 4)
    assert await open_object_store(object_store_url).get(left.object_key) == b"a\nb\n"
    address = world.links.address(left.url.removeprefix("http://backend.test/files/"))
    assert address is not None
    assert (address.tenant_id, address.object_key) == (world.tenant_id, left.object_key)
    assert (address.filename, address.mime_type, address.size) == ("out.txt", "text/plain", 4)
    assert await _run(world, call) == first
    assert len(world.web.asked) == 1
    onward = PlacedFile(path="x", source=StoredFile(object_key=left.object_key))
    second = await _run(world, CommandCall(line="wc -l < x", files=(onward,)), "1")
    assert second.stdout.strip() == "2"


async def test_a_line_has_its_time(world: World) -> None:
    result = await _run(world, CommandCall(line="sleep 60", wall_seconds=0.5))
    assert (result.status, result.limit, result.exit_code) == ("limit", "wall", None)


async def test_another_tenants_file_is_not_placed(world: World, object_store_url: str) -> None:
    key = f"command/{uuid7()}/1"
    await open_object_store(object_store_url).put(key, b"secret")
    placed = PlacedFile(path="x", source=StoredFile(object_key=key))
    with pytest.raises(NotFound) as refused:
        await _run(world, CommandCall(line="cat x", files=(placed,)))
    assert refused.value.code == "file_missing"
