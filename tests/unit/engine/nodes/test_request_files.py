"""http-request: bodies with files, which travel by where they are."""

from typing import Any

import pytest

from libs.common.contracts.document_text import RemoteFile, StoredFile
from libs.common.contracts.http_call import FileBody, FormBody, FormField, FormFile, HttpResult
from services.engine.domain.node_parts.effects import FetchHttp
from services.engine.domain.variables.values import Value
from tests.unit.engine.node_driver import Drive, drive, parse_node

PLAN: Value = {
    "dify_model_identity": "__dify__file__",
    "type": "document",
    "transfer_method": "local_file",
    "related_id": "f",
    "filename": "plan.pdf",
    "mime_type": "application/pdf",
    "url": "https://signed.example.test/x",
    "object_key": "uploads/t/f.x",
}
CAT: Value = {
    "type": "image",
    "transfer_method": "remote_url",
    "url": "https://files.example.test/cat.png",
}
STORED = StoredFile(object_key="uploads/t/f.x")
LINKED = RemoteFile(url="https://files.example.test/cat.png")


def asked(body: dict[str, Any], **files: Value) -> Drive:
    node = parse_node(
        {"type": "http-request", "method": "post", "url": "https://x.example.test", "body": body}
    )
    return drive(node, {"s": files}, (HttpResult(status_code=200),))


def body_of(done: Drive) -> Any:
    (request,) = done.requests
    assert isinstance(request, FetchHttp)
    return request.call.body


def item(**data: Any) -> dict[str, Any]:
    return {"type": "file", "file": ["s", "doc"], **data}


def test_a_binary_body_is_the_file() -> None:
    done = asked({"type": "binary", "data": [item()]}, doc=PLAN)
    assert body_of(done) == FileBody(source=STORED, content_type="application/pdf")


def test_a_form_has_texts_and_files() -> None:
    data = [item(key="a"), {"type": "text", "key": "t", "value": "{{#s.doc.name#}}"},
            item(key="many", file=["s", "all"])]  # fmt: skip
    done = asked({"type": "form-data", "data": data}, doc=PLAN, all=[PLAN, CAT])
    plan = {"source": STORED, "filename": "plan.pdf", "content_type": "application/pdf"}
    assert body_of(done) == FormBody(
        multipart=True,
        fields=(FormField(name="t", value="plan.pdf"),),
        files=(
            FormFile.model_validate({"name": "a", **plan}),
            FormFile.model_validate({"name": "many", **plan}),
            FormFile(name="many", source=LINKED, filename="cat.png"),
        ),
    )


@pytest.mark.parametrize("nothing", [None, []])
def test_a_form_without_the_file_is_sent_without_it(nothing: Value) -> None:
    done = asked({"type": "form-data", "data": [item(key="a")]}, doc=nothing)
    assert body_of(done).files == ()


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        ("binary", None, "cannot fetch file"),
        ("binary", [PLAN, PLAN], "cannot fetch file"),
        ("binary", "text", "s.doc cannot be sent"),
        ("form-data", {"transfer_method": "local_file"}, "s.doc cannot be sent"),
        ("form-data", [PLAN] * 101, "at most 100"),
    ],
)
def test_what_is_no_file_fails_the_node(kind: str, value: Value, says: str) -> None:
    done = asked({"type": kind, "data": [item(key="a")]}, doc=value)
    message, error_type = done.error
    assert says in message
    assert error_type == "FileFetchError"


def test_the_selector_is_a_reference_of_the_node() -> None:
    body: Any = {"type": "binary", "data": [item()]}
    node: Any = parse_node({"type": "http-request", "url": "https://x.example.test", "body": body})
    assert ("s", "doc") in node.references
