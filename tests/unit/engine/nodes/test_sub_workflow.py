from typing import Any
from uuid import UUID

import pytest

from libs.common.contracts.child_runs import ChildCall, ChildOutcome
from libs.common.contracts.workflows import WorkflowDefinition
from services.engine.domain.execution.called_workflows import declared_outputs, refs_in
from services.engine.domain.execution.compile_workflow import compile_workflow
from services.engine.domain.node_parts.called_workflow import CallsWorkflow, KnownWorkflow
from services.engine.domain.node_parts.effects import EffectError, RunWorkflow
from services.engine.domain.nodes.catalogue import CATALOGUE
from services.engine.domain.variables.types import ValueType
from services.engine.domain.variables.values import Value
from tests.unit.engine.node_driver import Drive, drive, parse_node

APP, RUN = UUID(int=7), UUID(int=8)
_DEEP = "SubWorkflowTooDeep"
KNOWN = KnownWorkflow(
    outputs={"said": ValueType.STRING},
    inputs=({"variable": "topic", "required": True}, {"variable": "tone"}),
    effect_class="model",
)


def _node(**data: Value) -> dict[str, Value]:
    return {"type": "sub-workflow", "app_id": str(APP), **data}


def _tool(**data: Value) -> dict[str, Value]:
    kind: dict[str, Value] = {"type": "tool", "provider_type": "workflow", "tool_name": "x"}
    return {**kind, "provider_id": str(APP), **data}


def _asked(done: Drive) -> ChildCall:
    (request,) = done.requests
    assert isinstance(request, RunWorkflow)
    return request.call


def _ended(**more: Any) -> ChildOutcome:
    return ChildOutcome.model_validate({"run_id": RUN, "status": "succeeded", **more})


def test_it_gives_what_the_called_run_gave() -> None:
    inputs: Value = {
        "topic": {"type": "mixed", "value": "on {{#s.word#}}"},
        "list": {"type": "variable", "value": ["s", "list"]},
    }
    outcome = _ended(outputs={"said": [1]}, total_tokens=5, usage={"total_tokens": 5})
    done = drive(parse_node(_node(inputs=inputs)), {"s": {"word": "x", "list": [1]}}, (outcome,))
    assert _asked(done) == ChildCall(ref=str(APP), inputs={"topic": "on x", "list": [1]})
    assert done.outputs == {"said": [1]}
    assert done.result is not None
    assert done.result.metadata == {"total_tokens": 5}
    assert done.result.process_data == {"child_run_id": str(RUN), "usage": {"total_tokens": 5}}


def test_a_version_can_be_named() -> None:
    node = parse_node(_node(version_id=str(UUID(int=9))))
    assert isinstance(node, CallsWorkflow)
    assert node.ref == f"{APP}/{UUID(int=9)}"


@pytest.mark.parametrize(
    ("answer", "error", "kind"),
    [
        (_ended(status="failed", error="no"), "no", "SubWorkflowFailed"),
        (_ended(status="stopped"), "The called run stopped.", "SubWorkflowStopped"),
        (EffectError("deep", error_type=_DEEP, retryable=False), "deep", _DEEP),
    ],
)
def test_what_did_not_end_well_is_the_nodes_failure(
    answer: ChildOutcome | EffectError, error: str, kind: str
) -> None:
    done = drive(parse_node(_node()), {}, (answer,))
    assert done.error == (error, kind)


@pytest.mark.parametrize("data", [{"app_id": ""}, {"app_id": "Summary"}, {"version_id": "new"}])
def test_what_names_no_app_is_told_by_its_field(data: dict[str, Value]) -> None:
    (problem,) = parse_node(_node(**data)).problems
    assert problem.field == next(iter(data))


def test_dify_s_workflow_tools_give_text_json_and_files() -> None:
    file: Value = {"dify_model_identity": "__dify__file__", "type": "image"}
    outcome = _ended(outputs={"said": "é", "file": file, "files": [file, "x"]})
    given: Value = {"topic": {"type": "constant", "value": "tea"}}
    done = drive(parse_node(_tool(tool_parameters=given)), {}, (outcome,))
    assert _asked(done) == ChildCall(ref=str(APP), inputs={"topic": "tea"})
    assert str(done.outputs["text"]).startswith('{"said": "é", "file": {')
    assert done.outputs["json"] == [outcome.outputs]
    assert done.outputs["files"] == [file, file]


@pytest.mark.parametrize("made", [_node, _tool])
def test_one_that_is_known_tells_what_it_does_and_what_it_lacks(made: Any) -> None:
    node = parse_node(made())
    assert isinstance(node, CallsWorkflow)
    known: Any = node.knowing_workflow(KNOWN)
    assert known.effect_class == "model"
    (problem,) = known.problems
    assert (problem.code, problem.severity) == ("missing_input", "warning")
    assert problem.field.endswith(".topic")


def _compiled(*nodes: dict[str, Any], **more: Any) -> Any:
    first = {"id": "start", "data": {"type": "start"}}
    drawn = [first, *nodes]
    edges = [{"source": a["id"], "target": b["id"]} for a, b in zip(drawn, nodes, strict=False)]
    graph: Any = {"nodes": drawn, "edges": edges}
    return compile_workflow(WorkflowDefinition(mode="workflow", graph=graph), CATALOGUE, **more)


def test_selectors_are_checked_where_the_called_version_is_known() -> None:
    call = {"id": "call", "data": _node()}
    outputs = [{"variable": "x", "value_selector": ["call", name]} for name in ("said", "gone")]
    end = {"id": "end", "data": {"type": "end", "outputs": outputs}}
    assert _compiled(call, end).report.warnings == ()
    told = _compiled(call, end, called={str(APP): KNOWN}).report.warnings
    assert [(each.code, each.node_id) for each in told] == [
        ("missing_input", "call"),
        ("selector_to_nowhere", "end"),
    ]


def test_a_workflow_declares_the_outputs_of_all_its_ends() -> None:
    def end(name: str, **types: str) -> dict[str, Any]:
        listed = [
            {"variable": output, "value_selector": ["start", "x"], "value_type": kind}
            for output, kind in types.items()
        ]
        return {"id": name, "data": {"type": "end", "outputs": listed}}

    found = _compiled(
        end("a", text="string", mixed="number"),
        end("b", mixed="string", odd="?"),
        {"id": "c", "data": _node()},
    )
    assert declared_outputs(found) == {"text": ValueType.STRING, "mixed": None, "odd": None}
    assert refs_in(found) == [str(APP)]
