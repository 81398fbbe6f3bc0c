"""A conformance case: a document, what goes in, what the world answers, what must come out."""

from dataclasses import dataclass, field
from typing import Any, cast

from pydantic import JsonValue

from tests.support.scripted_upstream import Answer
from tests.support.scripted_web import WebReply

Json = dict[str, JsonValue]

RUNNABLE_TYPES = frozenset(
    {
        "",
        "start",
        "end",
        "answer",
        "llm",
        "if-else",
        "template-transform",
        "code",
        "variable-aggregator",
        "variable-assigner",
        "http-request",
        "list-operator",
        "question-classifier",
        "parameter-extractor",
        "tool",
        "document-extractor",
        "command",
        "assigner",
        "iteration",
        "iteration-start",
        "loop",
        "loop-start",
        "loop-end",
    }
)
"""Node types that exist so far; "" is a note on the canvas. The legacy `variable-assigner` is an
aggregator when it has no `write_mode` and no `items`."""

MODEL_TYPES = frozenset({"llm", "question-classifier", "parameter-extractor"})
"""Node types that call the model of their own `model`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """`outputs` is a subset: more keys may come. `error` must be contained in the run's error.
    `stream` is the visible text, `exceptions` the count, `images` are the addresses of those that
    models were shown; None is not checked."""

    status: str
    outputs: Json | None = None
    error: str | None = None
    stream: str | None = None
    exceptions: int | None = None
    images: list[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that is uploaded before the run. `several`: the input is a list of it alone."""

    filename: str
    mime_type: str
    content: bytes
    several: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`models` answers by id of the node that calls; `web` answers every HTTP request. `uploads` go
    to the inputs of these names."""

    name: str
    document: Json
    expected: Expected
    inputs: Json = field(default_factory=dict[str, JsonValue])
    query: str = ""
    models: dict[str, Answer] = field(default_factory=dict[str, Answer])
    web: WebReply = field(default_factory=WebReply)
    uploads: dict[str, Upload] = field(default_factory=dict[str, Upload])


def nodes_of(document: Json) -> list[dict[str, Any]]:
    """The nodes of an app or of a bare graph. A document is whatever its file holds."""
    loose = cast("dict[str, Any]", document)
    graph = loose.get("workflow", {}).get("graph") or loose
    return list(graph.get("nodes", []))


def missing_types(document: Json) -> set[str]:
    """Node types in the document that cannot run yet."""
    found: set[str] = set()
    for node in nodes_of(document):
        data = node.get("data", {})
        kind = str(data.get("type", ""))
        assigns = "write_mode" in data or "items" in data
        if kind not in RUNNABLE_TYPES or (kind == "variable-assigner" and assigns):
            found.add(kind)
    return found


def as_app(document: Json, name: str) -> Json:
    """The document itself, or a bare graph wrapped into an app: with an answer node a chatflow,
    else a workflow."""
    if "app" in document or "nodes" not in document:
        return document
    chat = any(node.get("data", {}).get("type") == "answer" for node in nodes_of(document))
    mode = "advanced-chat" if chat else "workflow"
    graph: Json = {"nodes": document["nodes"], "edges": document.get("edges", [])}
    return {
        "version": "0.3.1",
        "kind": "app",
        "app": {"name": name, "mode": mode},
        "workflow": {"graph": graph, "features": {}},
    }
