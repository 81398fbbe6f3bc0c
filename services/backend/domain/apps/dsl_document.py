"""What a DSL document must look like before it may become an app. Nothing in it is executed."""

import re
from dataclasses import dataclass

from pydantic import JsonValue

from libs.common.contracts.workflows import Finding, WorkflowDefinition
from libs.common.errors import ErrorDetail, InvalidInput
from services.backend.domain.apps.dsl_legacy import modernised
from services.backend.domain.apps.json_reading import as_list, as_mapping, as_text

NEWEST_VERSION = (0, 7, 0)
"""The newest DSL version whose rules are known here."""

RUNNABLE_MODES = ("workflow", "advanced-chat")
_OTHER_MODES = ("chat", "agent-chat", "completion", "agent")
_VERSION = re.compile(r"^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:[a-z.+-].*)?$", re.IGNORECASE)
_NAME_LENGTH = 255


class DslInvalid(InvalidInput):
    """The document is no importable app; `details` names the place."""

    code = "dsl_invalid"
    title = "Not an importable app"


@dataclass(frozen=True, slots=True, kw_only=True)
class DslDocument:
    """An importable app. `notes` are warnings about the document itself."""

    name: str
    mode: str
    description: str
    icon: str
    version: str
    definition: WorkflowDefinition
    notes: tuple[Finding, ...] = ()


def read_document(document: JsonValue) -> DslDocument:
    """The app that a parsed document describes. Raises DslInvalid."""
    if not isinstance(document, dict):
        raise refused("", "Invalid YAML format: content must be a mapping")
    version = document.get("version") or "0.1.0"
    if not isinstance(version, str):
        kind = type(version).__name__
        raise refused("/version", f"Invalid version type, expected str, got {kind}")
    if document.get("kind") == "rag_pipeline":
        raise refused("/kind", "Pipelines of knowledge bases cannot be imported; apps can")
    notes = _version_notes(version)
    app = document.get("app")
    if not isinstance(app, dict) or not app:
        raise refused("/app", "Missing app data in YAML content")
    mode = _mode(app.get("mode"))
    return DslDocument(
        name=as_text(app.get("name")).strip()[:_NAME_LENGTH] or "Untitled",
        mode=mode,
        description=as_text(app.get("description")),
        icon=as_text(app.get("icon")),
        version=version,
        definition=_definition(mode, document.get("workflow")),
        notes=notes,
    )


def refused(pointer: str, message: str) -> DslInvalid:
    """The error for one place; `pointer` is a JSON pointer into the document."""
    return DslInvalid(message, details=(ErrorDetail(pointer=pointer, message=message),))


def _version_notes(version: str) -> tuple[Finding, ...]:
    matched = _VERSION.match(version.strip())
    if matched is None:
        raise refused("/version", f"Invalid DSL version {version!r}")
    found = tuple(int(part or 0) for part in matched.groups())
    if found > NEWEST_VERSION:
        message = f"The document's DSL version {version} is newer than the newest known one."
        return (Finding(code="dsl_version_newer", message=message, field="version"),)
    if found[:2] < NEWEST_VERSION[:2]:
        message = f"The document's DSL version {version} is older; its rules still hold."
        return (Finding(code="dsl_version_older", message=message, field="version"),)
    return ()


def _mode(mode: JsonValue) -> str:
    if isinstance(mode, str) and mode in RUNNABLE_MODES:
        return mode
    if isinstance(mode, str) and mode in _OTHER_MODES:
        raise refused(
            "/app/mode",
            f"Apps of mode '{mode}' cannot be imported; 'workflow' and 'advanced-chat' can.",
        )
    raise refused("/app/mode", f"Invalid app mode {mode!r}")


def _definition(mode: str, workflow: JsonValue) -> WorkflowDefinition:
    if not isinstance(workflow, dict) or not workflow:
        raise refused("/workflow", "Missing workflow data for workflow/advanced chat app")
    graph = workflow.get("graph")
    if not isinstance(graph, dict):
        raise refused("/workflow/graph", "Missing graph in workflow data")
    nodes = graph.get("nodes")
    if not isinstance(nodes, list) or not nodes:
        raise refused("/workflow/graph/nodes", "The graph has no nodes")
    if not isinstance(graph.get("edges", []), list):
        raise refused("/workflow/graph/edges", "The graph's edges must be a list")
    return modernised(
        # What was read is JSON already, and megabytes of it need not be looked at again.
        WorkflowDefinition.model_construct(
            mode="workflow" if mode == "workflow" else "advanced-chat",
            graph=graph,
            features=as_mapping(workflow.get("features")),
            environment_variables=_variables(workflow, "environment_variables"),
            conversation_variables=_variables(workflow, "conversation_variables"),
        )
    )


def _variables(workflow: dict[str, JsonValue], field: str) -> tuple[dict[str, JsonValue], ...]:
    found: list[dict[str, JsonValue]] = []
    for index, variable in enumerate(as_list(workflow.get(field))):
        pointer = f"/workflow/{field}/{index}"
        if not isinstance(variable, dict):
            raise refused(pointer, "A variable must be a mapping")
        if not as_text(variable.get("name")):
            raise refused(pointer, "missing name")
        if "\0" in as_text(variable.get("name")):
            raise refused(pointer, "a name cannot hold U+0000")
        if variable.get("value") is None:
            raise refused(pointer, "missing value")
        found.append(variable)
    return tuple(found)
