"""What may become an app, and what is refused at which place."""

from typing import Any

import pytest

from libs.common.contracts.workflows import WorkflowDefinition
from services.backend.domain.apps.dsl_document import DslInvalid, read_document
from services.backend.domain.apps.start_form import start_variables, user_input_form


def document(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "version": "0.3.1",
        "kind": "app",
        "app": {"name": "A", "mode": "workflow"},
        "workflow": {"graph": {"nodes": [{"id": "s", "data": {"type": "start"}}], "edges": []}},
    }
    return {**base, **changes}


@pytest.mark.parametrize(
    ("parsed", "pointer", "words"),
    [
        (["a"], "", "must be a mapping"),
        ("text", "", "must be a mapping"),
        (None, "", "must be a mapping"),
        (document(version=0.3), "/version", "Invalid version type, expected str, got float"),
        (document(version="new"), "/version", "Invalid DSL version"),
        (document(app=None), "/app", "Missing app data in YAML content"),
        ({"kind": "rag_pipeline", "rag_pipeline": {}}, "/kind", "cannot be imported"),
        (document(app={}), "/app", "Missing app data in YAML content"),
        (document(app={"mode": "agent-chat"}), "/app/mode", "'agent-chat' cannot be imported"),
        (document(app={"mode": 3}), "/app/mode", "Invalid app mode"),
        (document(workflow=None), "/workflow", "Missing workflow data"),
        (document(workflow={"graph": 1}), "/workflow/graph", "Missing graph"),
        (document(workflow={"graph": {"nodes": []}}), "/workflow/graph/nodes", "no nodes"),
        (
            document(workflow={"graph": {"nodes": [1], "edges": {}}}),
            "/workflow/graph/edges",
            "must be a list",
        ),
        (
            document(
                workflow={
                    "graph": {"nodes": [1]},
                    "conversation_variables": [{"name": "v", "value": None}],
                }
            ),
            "/workflow/conversation_variables/0",
            "missing value",
        ),
    ],
)
def test_what_is_no_app_is_refused_by_place(parsed: Any, pointer: str, words: str) -> None:
    with pytest.raises(DslInvalid) as refused:
        read_document(parsed)
    assert words in refused.value.message
    assert refused.value.details[0].pointer == pointer


@pytest.mark.parametrize(
    ("version", "notes"),
    [
        (None, ["dsl_version_older"]),
        ("", ["dsl_version_older"]),
        ("0.3.1", ["dsl_version_older"]),
        ("0.7.0", []),
        ("0.7.9", ["dsl_version_newer"]),
        ("1.0", ["dsl_version_newer"]),
    ],
)
def test_versions_are_compared(version: str | None, notes: list[str]) -> None:
    found = read_document(document(version=version))
    assert [note.code for note in found.notes] == notes


def node_of(data: dict[str, Any]) -> Any:
    graph: dict[str, Any] = {"nodes": [{"id": "n", "data": data}]}
    found: WorkflowDefinition = read_document(document(workflow={"graph": graph})).definition
    nodes = found.graph["nodes"]
    assert isinstance(nodes, list)
    assert isinstance(nodes[0], dict)
    return nodes[0]["data"]


def test_old_shapes_become_todays() -> None:
    assert node_of({"type": "variable-assigner"})["type"] == "variable-aggregator"
    branch = node_of({"type": "if-else", "logical_operator": "or", "conditions": [{"id": "c"}]})
    assert branch["cases"] == [
        {"case_id": "true", "logical_operator": "or", "conditions": [{"id": "c"}]}
    ]
    request = node_of({"type": "http-request", "body": {"type": "json", "data": "{}"}})
    assert request["body"]["data"] == [{"type": "text", "key": "", "value": "{}"}]
    today: dict[str, Any] = {"type": "if-else", "cases": [{"case_id": "x"}], "conditions": []}
    assert node_of(today) == today


def test_old_image_uploads_become_file_uploads() -> None:
    upload = {"image": {"enabled": True, "number_limits": 2, "transfer_methods": ["remote_url"]}}
    workflow = {"graph": {"nodes": [1]}, "features": {"file_upload": upload}}
    found = read_document(document(workflow=workflow)).definition.features["file_upload"]
    assert found == {
        "enabled": True,
        "number_limits": 2,
        "allowed_file_upload_methods": ["remote_url"],
        "allowed_file_types": ["image"],
        "allowed_file_extensions": [],
    }


def test_the_form_keeps_one_key_an_item() -> None:
    variable = {"variable": "a", "type": "text-input", "required": True}
    node = {"id": "s", "data": {"type": "start", "variables": [variable]}}
    definition = read_document(document(workflow={"graph": {"nodes": [node]}})).definition
    assert start_variables(definition) == (variable,)
    assert user_input_form(definition) == [
        {
            "text-input": {
                "label": "a",
                "variable": "a",
                "required": True,
                "default": None,
                "max_length": None,
                "options": [],
                "hide": False,
            }
        }
    ]
