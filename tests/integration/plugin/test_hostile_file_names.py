"""Files from the web whose names no message can hold."""

import pytest

from libs.common.contracts.http_call import HttpCall
from libs.common.contracts.subjects import FETCH_HTTP
from tests.integration.plugin.conftest import SECONDS, World
from tests.support.scripted_web import WebReply


@pytest.mark.parametrize(
    ("named", "filename"),
    [
        ("utf-7''+2AA-x.bin", "?x.bin"),
        ("idna''xn--", None),
        ("punycode''%ff", None),
        ("utf-8''%ff.bin", "\ufffd.bin"),
    ],
)
async def test_a_file_from_the_web_is_kept_whatever_its_name(
    world: World, named: str, filename: str | None
) -> None:
    headers = {
        "content-type": "application/octet-stream",
        "content-disposition": f"attachment; filename*={named}",
    }
    world.web.script = lambda _: WebReply(body=b"\x00\xff", headers=headers)
    answer = await world.bus.request(
        FETCH_HTTP,
        HttpCall(method="GET", url="http://api.example.test/path"),
        envelope=world.envelope("0"),
        timeout=SECONDS,
    )
    assert (answer.is_file, answer.filename, answer.size) == (True, filename, 2)
    address = world.links.address(answer.file_url.removeprefix("http://backend.test/files/"))
    assert address is not None
    assert address.filename == (filename or "path")
