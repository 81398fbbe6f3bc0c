"""Bombs and floods through the public API: refused or ended soon, and nobody else notices."""

import json
import socket
import time
from typing import Any

import httpx
import pytest

from tests.security.graphs import around, document, node, template
from tests.security.stage import Stage, bearer
from tests.support.eventually import eventually
from tests.support.scripted_upstream import Answer, ScriptedUpstream

pytestmark = pytest.mark.xdist_group("security")

_SOON = 10.0
"""Seconds for what must be told at once; a busy machine needs some of them."""


def test_a_hundred_thousand_inputs_are_passed_on(stage: Stage) -> None:
    inputs = {f"input_{number}": number for number in range(100_000)}
    body = {"inputs": {"x": "1", **inputs}, "user": "owner", "response_mode": "blocking"}
    answer = stage.http.post(
        "/v1/workflows/run", json=body, headers=bearer(stage.first.app_key), timeout=60
    )
    assert answer.status_code == 200, answer.text[:500]
    assert answer.json()["data"]["outputs"] == {"o": "hi 1"}


def _laughs(levels: int) -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, levels):
        aliases = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} [{aliases}]")
    return "\n".join(lines).encode()


DOCUMENTS: dict[str, bytes] = {
    "laughs": _laughs(12),
    "merged laughs": (
        b"b: &b {" + b", ".join(b"k%d: 1" % n for n in range(1000)) + b"}\n"
        b"c:\n  <<: [" + b", ".join([b"*b"] * 20_000) + b"]\n"
    ),
    "its own anchor": b"a: &a [*a]",
    "deep lists": b"[" * 10_000 + b"]" * 10_000,
    "deep blocks": b"".join(b" " * n + b"a:\n" for n in range(3000)),
    "deep JSON": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "many documents": b"---\na: 1\n" * 10_000,
    "many anchors": b"\n".join(b"k%d: &a%d x" % (n, n) for n in range(50_000)),
    "a python object": b"a: !!python/object/apply:os.system ['touch /tmp/evil']",
    "a long number": b"a: " + b"9" * 1_000_000,
    "a long sexagesimal": b"a: " + b"1:" * 100_000 + b"1",
    "a long timestamp": b"a: 2001-01-01 00:00:00." + b"0" * 1_000_000,
    "a long word of signs": b"a: " + b"-" * 500_000 + b"_" * 500_000,
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_bomb_is_refused_soon(stage: Stage, name: str) -> None:
    began = time.monotonic()
    answer = stage.http.post(
        "/api/apps/import",
        content=DOCUMENTS[name],
        headers=bearer(stage.platform.admin_token),
    )
    assert answer.status_code == 400, answer.text[:500]
    assert time.monotonic() - began < _SOON


TEMPLATES: dict[str, str] = {
    "a long text": "{{ 'a' * 2000000000 }}",
    "a power": "{{ 9 ** 99999999 }}",
    "powers": "{{ 9 ** 9 ** 9 ** 9 }}",
    "a wide number": "{{ '%1000000000d' % 1 }}",
    "a wide format": "{{ '{:1000000000d}'.format(1) }}",
    "loops": "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
    "a list": "{{ range(1000000000) | list | length }}",
    "lists": "{{ ([1] * 100000000) | join }}",
    "padding": "{{ 'x'.ljust(1000000000) }}{{ 'x' | center(1000000000) }}",
    "replacing": "{{ ('a' * 100000) | replace('a', 'b' * 100000) }}",
    "a macro without end": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "itself": "{% set a = [] %}{% for i in [1] %}{% set _ = a.append(a) %}{% endfor %}{{ a }}",
    "classes": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "deep": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "tags": "{% if 1 %}" * 3000 + "{% endif %}" * 3000,
    "a word list": "{{ ('a ' * 400000) | wordcount }}{{ ('a ' * 400000) | title | wordwrap(1) }}",
    "indents": "{{ ('\\n' * 100000) | indent(100000) }}",
    "a tower of filters": "{{ 'a'" + " | string" * 50_000 + " }}",
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_bomb_fails_alone_and_soon(stage: Stage, name: str) -> None:
    began = time.monotonic()
    answer = stage.http.post(
        "/api/apps/import",
        params={"publish": "true"},
        content=template(TEMPLATES[name]),
        headers=bearer(stage.platform.admin_token),
    )
    assert answer.is_success or answer.status_code == 400, answer.text[:500]
    if answer.is_success and not answer.json()["report"]["errors"]:
        told = stage.run(answer.json()["api_key"], x="1")
        assert told["status"] == "failed" or len(str(told["outputs"])) < 2_000_000, name
    assert time.monotonic() - began < 2 * _SOON
    assert stage.run(stage.first.app_key, x="1")["status"] == "succeeded"


def test_regular_expressions_of_authors_hold_nobody(
    stage: Stage, upstream: ScriptedUpstream
) -> None:
    evil = "^(a+)+$"
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"t": {"type": "string", "pattern": evil}},
        "patternProperties": {evil: {"type": "string"}},
        "required": ["t"],
    }
    asking = node(
        "m",
        "llm",
        model={"provider": "openai", "name": "gpt-4o-mini", "mode": "chat"},
        prompt_template=[{"role": "user", "text": json.dumps({"t": "a" * 60 + "!"})}],
        structured_output_enabled=True,
        structured_output={"schema": schema},
    )
    upstream.reset(lambda _: Answer(text=json.dumps({"t": "a" * 60 + "!"})))
    imported = stage.imported(around(asking, "structured_output"))
    began = time.monotonic()
    told = stage.run(imported["api_key"], x="1")
    assert told["status"] == "succeeded", str(told)
    assert time.monotonic() - began < _SOON


def test_a_reader_that_never_reads_holds_no_run(stage: Stage) -> None:
    imported = stage.imported(
        document(
            [
                node("s", "start", variables=[]),
                *[
                    node(f"t{n}", "template-transform", template="{{ 'x' * 90000 }}", variables=[])
                    for n in range(30)
                ],
                node("e", "end", outputs=[]),
            ]
        )
    )
    url = httpx.URL(stage.platform.url)
    body = json.dumps({"inputs": {}, "user": "owner", "response_mode": "streaming"}).encode()
    head = (
        f"POST /v1/workflows/run HTTP/1.1\r\nHost: {url.host}\r\n"
        f"Authorization: Bearer {imported['api_key']}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((url.host, url.port or 80)) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(head.encode() + body)
        eventually(lambda: _statuses(stage, imported["app_id"]) == ["succeeded"], what="its end")


def _statuses(stage: Stage, app_id: str) -> list[str]:
    listed = stage.http.get(
        "/api/runs", params={"app_id": app_id}, headers=bearer(stage.platform.admin_token)
    )
    return [run["status"] for run in listed.json()["runs"]]
