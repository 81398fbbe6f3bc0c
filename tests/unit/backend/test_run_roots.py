"""A run is given what its root declares; a webhook's request is checked as over HTTP."""

from typing import Any

import pytest

from libs.common.contracts.start_inputs import InputRefused
from libs.common.contracts.workflows import WorkflowDefinition
from services.backend.domain.apps.lone_node import lone_node
from services.backend.domain.apps.run_roots import RootUnknown, root_inputs

HOOK: dict[str, Any] = {
    "type": "trigger-webhook",
    "method": "post",
    "content_type": "application/json",
    "headers": [{"name": "X-Token", "required": True}],
    "params": [
        {"name": "page", "type": "number", "required": True},
        {"name": "all", "type": "boolean"},
    ],
    "body": [
        {"name": "order", "type": "object", "required": True},
        {"name": "tags", "type": "array[string]"},
        {"name": "sums", "type": "array[number]"},
    ],
}  # fmt: skip
FITS: dict[str, Any] = {
    "headers": {"x_token": "t"},
    "query_params": {"page": "2", "free": "f"},
    "body": {"order": {}, "tags": ["a"], "free": 1},
}


def _definition(**nodes: Any) -> WorkflowDefinition:
    graph: Any = {"nodes": [{"id": name, "data": data} for name, data in nodes.items()]}
    return WorkflowDefinition(mode="workflow", graph=graph)


def _given(hook: dict[str, Any], payload: Any) -> Any:
    given = root_inputs(_definition(hook=hook), None, {"webhook_data": payload, "kept": 1})
    assert given["kept"] == 1
    return given["webhook_data"]


def test_a_request_that_fits_gets_its_types_and_keeps_the_rest() -> None:
    assert _given(HOOK, FITS | {"method": "POST"}) == {
        "method": "POST",
        "headers": {"x_token": "t"},
        "query_params": {"page": 2, "free": "f"},
        "body": {"order": {}, "tags": ["a"], "free": 1},
        "files": {},
    }


@pytest.mark.parametrize(
    ("text", "value"), [("2.5", 2.5), ("3", 3), (4, 4), (" 7 ", 7), ("1e3", 1000)]
)
def test_numbers_come_as_text_or_as_such(text: Any, value: Any) -> None:
    told = _given(HOOK, FITS | {"query_params": {"page": text}})
    assert told["query_params"]["page"] == value


@pytest.mark.parametrize(("text", "value"), [("YES", True), ("0", False), (True, True)])
def test_truths_come_as_text_or_as_such(text: Any, value: bool) -> None:
    told = _given(HOOK, FITS | {"query_params": {"page": 1, "all": text}})
    assert told["query_params"]["all"] is value


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"headers": {}}, "/headers/X-Token"),
        ({"headers": []}, "/headers"),
        ({"query_params": {}}, "/query_params/page"),
        ({"query_params": {"page": "two"}}, "/query_params/page"),
        ({"query_params": {"page": "nan"}}, "/query_params/page"),
        ({"query_params": {"page": True}}, "/query_params/page"),
        ({"query_params": {"page": 1, "all": "perhaps"}}, "/query_params/all"),
        ({"body": {}}, "/body/order"),
        ({"body": {"order": [1]}}, "/body/order"),
        ({"body": {"order": {}, "tags": [1]}}, "/body/tags"),
        ({"body": {"order": {}, "sums": [True]}}, "/body/sums"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_place(wrong: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InputRefused) as refused:
        _given(HOOK, FITS | wrong)
    (detail,) = refused.value.details
    assert detail.pointer == f"/inputs/webhook_data{pointer}"


def test_a_payload_is_an_object() -> None:
    with pytest.raises(InputRefused):
        _given(HOOK, "text")


@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream"])
def test_a_body_in_one_piece_is_there_or_not(content_type: str) -> None:
    hook: dict[str, Any] = {
        "type": "trigger-webhook",
        "content_type": content_type,
        "body": [{"name": "it", "required": True}],
    }
    assert _given(hook, {"body": {"raw": "x"}})["body"] == {"raw": "x"}
    with pytest.raises(InputRefused, match="content missing"):
        _given(hook, {})


def test_a_forms_file_is_looked_for_among_the_files() -> None:
    hook: dict[str, Any] = {
        "type": "trigger-webhook",
        "content_type": "multipart/form-data",
        "body": [{"name": "it", "type": "file", "required": True}],
    }
    assert _given(hook, {"files": {"it": {"type": "image"}}})["files"] == {"it": {"type": "image"}}
    with pytest.raises(InputRefused):
        _given(hook, {"body": {"it": "x"}})


def test_a_webhook_that_requires_nothing_runs_without_a_request() -> None:
    given = root_inputs(_definition(hook={"type": "trigger-webhook"}), None, {})
    empty: dict[str, Any] = {"headers": {}, "query_params": {}, "body": {}, "files": {}}
    assert given == {"webhook_data": empty}


CLOCK = {"type": "trigger-schedule"}
START = {"type": "start", "variables": [{"variable": "x", "type": "number", "required": True}]}


def test_the_named_root_decides_what_is_checked() -> None:
    both = _definition(clock=CLOCK, hook=HOOK)
    assert root_inputs(both, None, {"why": 1}) == {"why": 1}
    assert root_inputs(both, "clock", {"why": 1}) == {"why": 1}
    with pytest.raises(InputRefused):
        root_inputs(both, "hook", {})
    with pytest.raises(InputRefused):
        root_inputs(_definition(begin=START), "begin", {})
    assert root_inputs(_definition(begin=START), None, {"x": "3"}) == {"x": 3}


def test_a_node_that_is_no_root_is_named_with_those_that_are() -> None:
    with pytest.raises(RootUnknown, match="there are: clock, hook") as refused:
        root_inputs(_definition(clock=CLOCK, hook=HOOK, llm={"type": "llm"}), "llm", {})
    assert refused.value.details[0].pointer == "/root"


def test_a_trigger_is_tested_alone_and_stands_in_for_a_start() -> None:
    both = _definition(clock=CLOCK, end={"type": "end"})
    alone = lone_node(both, "clock")
    assert alone is not None
    assert alone.start_id == "clock"
    assert alone.definition.graph["edges"] == []
    behind = lone_node(both, "end")
    assert behind is not None
    assert behind.start_id == "clock"
