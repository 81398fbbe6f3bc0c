import pytest

from libs.common.contracts.document_text import (
    DocumentCall,
    DocumentText,
    RemoteFile,
    StoredFile,
)
from libs.common.contracts.http_call import HttpResult
from services.engine.domain.node_parts.effects import EffectError, ReadDocument
from services.engine.domain.variables.files import is_file
from services.engine.domain.variables.values import Value
from tests.unit.engine.node_driver import drive, parse_node

NODE: dict[str, Value] = {"type": "document-extractor", "variable_selector": ["s", "doc"]}
REMOTE: dict[str, Value] = {
    "type": "document",
    "transfer_method": "remote_url",
    "url": "https://files.example.test/a",
    "name": "a",
    "extension": ".pdf",
    "mime_type": "application/pdf",
}
READ = DocumentText(text="words", format="pdf", size=3)


def _request(call: DocumentCall) -> tuple[ReadDocument]:
    return (ReadDocument(call=call),)


def test_a_file_becomes_its_text() -> None:
    done = drive(parse_node(NODE), {"s": {"doc": REMOTE}}, ((READ,),))
    source = RemoteFile(url="https://files.example.test/a")
    assert done.requests == [
        _request(DocumentCall(source=source, filename="a.pdf", mime_type="application/pdf"))
    ]
    assert done.outputs == {"text": "words"}


def test_every_file_of_a_list_is_read_at_once_and_kept_in_order() -> None:
    files: Value = [REMOTE, {**REMOTE, "name": "b.txt", "object_key": "http/t/1"}]
    answers = (READ, READ.model_copy(update={"text": "more"}))
    done = drive(parse_node(NODE), {"s": {"doc": files}}, (answers,))
    (asked,) = done.requests
    assert isinstance(asked, tuple)
    second = asked[1]
    assert isinstance(second, ReadDocument)
    assert second.call.source == StoredFile(object_key="http/t/1")
    assert second.call.filename == "b.txt"
    assert done.outputs == {"text": ["words", "more"]}


def test_no_files_are_no_texts() -> None:
    done = drive(parse_node(NODE), {"s": {"doc": []}}, ())
    assert done.requests == []
    assert done.outputs == {"text": []}


MANY: Value = [REMOTE for _ in range(101)]
UPLOADED: Value = {"transfer_method": "local_file", "upload_file_id": "u"}
REFUSED: list[tuple[dict[str, Value], str]] = [
    ({}, "File variable not found for selector: ['s', 'doc']"),
    ({"doc": "words"}, "s.doc cannot be read: it is no file"),
    ({"doc": [REMOTE, {"a": 1}]}, "s.doc cannot be read: it is no file"),
    (
        {"doc": UPLOADED},
        "a file sent by local_file names neither a web address nor a stored object",
    ),
    ({"doc": {**REMOTE, "url": "file:///etc/passwd"}}, "names neither a web address"),
    ({"doc": MANY}, "At most 100 files are read at once, these are 101."),
]


@pytest.mark.parametrize(("variables", "message"), REFUSED)
def test_what_is_no_file_is_refused(variables: dict[str, Value], message: str) -> None:
    done = drive(parse_node(NODE), {"s": variables})
    assert message in done.error[0]
    assert done.error[1] == "DocumentExtractorError"


def test_a_readers_failure_is_the_nodes() -> None:
    failed = EffectError("broken", error_type="FileUnreadable", retryable=False)
    done = drive(parse_node(NODE), {"s": {"doc": REMOTE}}, (failed,))
    assert done.error == ("broken", "FileUnreadable")
    assert done.failure is not None
    assert done.failure.process_data == {"documents": [REMOTE]}


def test_a_selector_is_needed() -> None:
    node = parse_node({"type": "document-extractor"})
    assert [problem.field for problem in node.problems] == ["variable_selector"]


def test_a_file_that_a_request_brought_can_be_read() -> None:
    fetch: dict[str, Value] = {"type": "http-request", "method": "get", "url": "https://x.test/a"}
    answer = HttpResult(
        status_code=200,
        is_file=True,
        content_type="application/pdf; v=1",
        size=9,
        object_key="http/t/1",
        url="https://x.test/files/a.pdf?b=1",
    )
    files = drive(parse_node(fetch), {}, (answer,)).outputs["files"]
    assert isinstance(files, list)
    assert is_file(files[0])
    done = drive(parse_node(NODE), {"s": {"doc": files}}, ((READ,),))
    source = StoredFile(object_key="http/t/1")
    assert done.requests == [
        _request(DocumentCall(source=source, filename="a.pdf", mime_type="application/pdf"))
    ]
    assert done.outputs == {"text": ["words"]}
