"""What a server of the outside may answer: the node fails or succeeds, and the run always ends."""

import gzip

import pytest

from tests.security.graphs import fetch
from tests.security.raw_web import RawWeb
from tests.security.stage import Stage

pytestmark = pytest.mark.xdist_group("security")


def answer(body: bytes = b"ok", *headers: bytes, status: bytes = b"200 OK") -> bytes:
    lines = (b"HTTP/1.1 " + status, *headers, b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\nConnection: close\r\n\r\n" + body


def kind(charset: bytes) -> bytes:
    return b"Content-Type: text/plain; charset=" + charset


FAILS: dict[str, bytes] = {
    "no HTTP": b"SSH-2.0-OpenSSH\r\n",
    "nothing": b"",
    "cut off": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
    "a bomb": answer(gzip.compress(bytes(200_000_000), 9), b"Content-Encoding: gzip"),
    "broken gzip": answer(b"not gzip", b"Content-Encoding: gzip"),
    "huge headers": answer(b"ok", b"X-Long: " + b"x" * 1_000_000),
    "metadata": answer(b"", b"Location: http://169.254.169.254/latest/", status=b"302 Found"),
    "loopback": answer(b"", b"Location: http://127.0.0.1:9/", status=b"302 Found"),
    "a file": answer(b"", b"Location: file:///etc/passwd", status=b"302 Found"),
    "a bad name": answer(b"", b"Location: http://xn--/", status=b"302 Found"),
    "in a circle": answer(b"", b"Location: http://web.example.test/", status=b"302 Found"),
    "too much text": answer(b"x" * 2_000_000),
}
SUCCEEDS: dict[str, bytes] = {
    "header that is no text": answer(b"ok", b"X-Odd: \xff\xfe"),
    "file name that is no text": answer(b"ok", b"Content-Disposition: inline; filename=\xff"),
    "type that is no text": answer(b"ok", b"Content-Type: text/\xff; charset=\xff"),
    "charset undefined": answer(b"ok", kind(b"undefined")),
    "charset idna": answer(b"xn--a.b" * 100, kind(b"idna")),
    "charset punycode": answer(b"-" + b"zz9" * 300_000, kind(b"punycode")),
    "charset that escapes": answer(b"\\ud800", kind(b"unicode_escape")),
    "charset with halves": answer(b"+2AA-", kind(b"utf-7")),
    "charset of nothing": answer(b"ok", kind(b'"\\0"')),
    "charset rot13": answer(b"ok", kind(b"rot13")),
    "a zero": answer(b"a\0b"),
    "no UTF-8": answer(b"\xff\xed\xa0\x80"),
}


@pytest.fixture(scope="module")
def app_key(stage: Stage) -> str:
    return stage.imported(fetch("http://web.example.test/"))["api_key"]


@pytest.mark.parametrize("name", FAILS)
def test_a_bad_answer_fails_the_node(stage: Stage, web: RawWeb, app_key: str, name: str) -> None:
    web.reply = FAILS[name]
    run = stage.run(app_key)
    assert run["status"] == "failed"
    assert "unforeseen" not in run["error"]


@pytest.mark.parametrize("name", SUCCEEDS)
def test_an_odd_answer_is_text(stage: Stage, web: RawWeb, app_key: str, name: str) -> None:
    web.reply = SUCCEEDS[name]
    run = stage.run(app_key)
    assert (run["status"], run["error"]) == ("succeeded", None)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://127.1:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f.1:{port}/",
        "http://[::1]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://0.0.0.0:{port}/",
        "http://127。0。0。1:{port}/",
        "http://web.example.test@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}/?http://web.example.test/",
        "http://xn--/",
        "file:///etc/passwd",
    ],
)
def test_private_addresses_are_not_reached(stage: Stage, web: RawWeb, url: str) -> None:
    before = web.asked
    target = url.format(port=web.address.rpartition(":")[2])
    run = stage.run(stage.imported(fetch(target))["api_key"])
    assert run["status"] == "failed"
    assert "unforeseen" not in run["error"]
    assert web.asked == before


def test_a_variable_adds_no_header(stage: Stage, web: RawWeb) -> None:
    web.reply = answer()
    before = web.asked
    key = stage.imported(fetch("http://web.example.test/{{#s.x#}}"))["api_key"]
    run = stage.run(key, x="a HTTP/1.1\r\nHost: evil\r\nX: ")
    assert run["status"] == "succeeded"  # sent as a part of the path, quoted
    assert web.asked == before + 1
