"""Documents read in the sandbox: every format, and files that no reader should trust."""

import base64
import dataclasses

import pytest

from services.plugin.app.documents.read_document import LIMITS, READER
from services.plugin.domain.sandbox.execution import (
    CodeExecution,
    ExecutionLimits,
    ExecutionOutcome,
)
from services.plugin.infra.sandbox.sandbox import ProcessSandbox
from tests.support import document_files

pytestmark = pytest.mark.asyncio(loop_scope="module")

_PEOPLE = "| name | age |\n| --- | --- |\n| Ada \\| Bo | 7 |"
_READ: list[tuple[str, str, bytes, str]] = [
    ("text", "utf-8", "höhe".encode(), "höhe"),
    ("text", "utf-16", "höhe".encode("utf-16"), "höhe"),
    ("text", "latin", "Die Größe der Bäume über Köln".encode("latin-1"), "Die Größe der Bäume"),
    ("json", "indented", b'{"a":["\xc3\xa9"]}', '{\n  "a": [\n    "é"\n  ]\n}'),
    ("csv", "table", b"name,age\nAda | Bo,7\n,\n", _PEOPLE),
    (
        "html",
        "seen",
        b"<p>One <b>line</b></p><script>no()</script><table><tr><td>1</td><td>2</td></tr></table>",
        "One line\n1 2",
    ),
    ("mail", "head-and-body", document_files.mail("Grüße", "Hello"), "Subject: Grüße\n\nHello"),
    ("pdf", "pages", document_files.pdf("Hello", "World"), "Hello\nWorld"),
    (
        "docx",
        "table-in-place",
        document_files.docx("Before", [["name", "age"], ["Ada | Bo", "7"]], "After"),
        f"Before\n{_PEOPLE}\nAfter",
    ),
    (
        "pptx",
        "slides-by-number",
        document_files.pptx(*map(str, range(1, 12))),
        "\n\n".join(map(str, range(1, 12))),
    ),
    ("xlsx", "sheet", document_files.xlsx({"S": [["name", "age"], ["Ada | Bo", 7]]}), _PEOPLE),
    (
        "xlsx",
        "sheets",
        document_files.xlsx({"S": [["a"]], "T": [["b"]]}),
        "## S\n\n| a |\n| --- |\n\n## T\n\n| b |\n| --- |",
    ),
    ("odt", "paragraphs", document_files.odt("One", "Two"), "One\nTwo"),
    ("epub", "chapters", document_files.epub("<h1>One</h1>", "<p>Two</p>"), "One\n\nTwo"),
]
_HOSTILE: list[tuple[str, str, bytes]] = [
    ("docx", "zip-bomb", document_files.bomb("word/document.xml")),
    ("epub", "zip-bomb", document_files.bomb("META-INF/container.xml")),
    ("xlsx", "zip-bomb", document_files.bomb("xl/workbook.xml")),
    (
        "docx",
        "entity-bomb",
        document_files.zipped({"word/document.xml": document_files.laughing()}),
    ),
    ("pdf", "broken", document_files.pdf("Hello")[:200]),
    ("pdf", "garbage", b"%PDF-1.7\n" + bytes(range(256)) * 1000),
    ("docx", "no-archive", b"PK\x03\x04 nothing"),
    ("xlsx", "no-workbook", document_files.zipped({"a": "b"})),
    ("epub", "path-tricks", document_files.zipped({"META-INF/container.xml": "<container/>"})),
    ("json", "deep", b"[" * 1_000_000),
    ("text", "too-much", b"x" * 5_000_000),
]


async def _read(
    sandbox: ProcessSandbox, format_name: str, raw: bytes, limits: ExecutionLimits = LIMITS
) -> ExecutionOutcome:
    inputs = {"format": format_name, "content": base64.b64encode(raw).decode()}
    return await sandbox.run(
        CodeExecution(language="python3", code=READER, inputs={**inputs}, limits=limits)
    )


@pytest.mark.parametrize(
    ("format_name", "raw", "text"),
    [pytest.param(kind, raw, text, id=f"{kind}-{name}") for kind, name, raw, text in _READ],
)
async def test_a_document_becomes_text(
    sandbox: ProcessSandbox, format_name: str, raw: bytes, text: str
) -> None:
    outcome = await _read(sandbox, format_name, raw)
    assert outcome.status == "ok", outcome
    assert text in str(outcome.result)


@pytest.mark.parametrize(
    ("format_name", "raw"),
    [pytest.param(kind, raw, id=f"{kind}-{name}") for kind, name, raw in _HOSTILE],
)
async def test_a_hostile_document_fails_within_its_limits(
    sandbox: ProcessSandbox, format_name: str, raw: bytes
) -> None:
    outcome = await _read(sandbox, format_name, raw)
    assert outcome.status in ("error", "limit"), outcome
    assert outcome.usage.peak_memory_bytes < LIMITS.memory_bytes
    assert outcome.usage.wall_seconds < LIMITS.wall_seconds
    after = await _read(sandbox, "text", b"fine")
    assert after.result == "fine"


async def test_tags_without_end_are_stopped_by_their_time(strong_sandbox: ProcessSandbox) -> None:
    limits = dataclasses.replace(LIMITS, cpu_seconds=1)
    outcome = await _read(strong_sandbox, "html", b"<div>" * 200_000, limits)
    assert (outcome.status, outcome.limit) == ("limit", "cpu")


async def test_readers_cannot_be_changed_by_code(sandbox: ProcessSandbox) -> None:
    code = (
        "import read_document\n"
        "def main():\n"
        "    with open(read_document.__file__, 'a') as own:\n"
        "        own.write('#')\n"
    )
    outcome = await sandbox.run(CodeExecution(language="python3", code=code, inputs={}))
    assert outcome.error is not None
    assert outcome.error.type in ("OSError", "PermissionError")
