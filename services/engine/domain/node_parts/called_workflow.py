"""Nodes that run another workflow: what they say of it, and what its end means to them."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from uuid import UUID

from libs.common.contracts.child_runs import ChildCall, ChildOutcome, workflow_ref
from libs.common.contracts.run_forks import NodeEffect
from services.engine.domain.node_parts.effects import EffectError, RunWorkflow
from services.engine.domain.node_parts.expected_result import expect
from services.engine.domain.node_parts.node_contract import (
    Node,
    NodeFailure,
    NodeResult,
    NodeRun,
    OutputTypes,
    Problem,
)
from services.engine.domain.node_parts.offered import Offered
from services.engine.domain.node_parts.settings_reader import WRONG_TYPE, SettingsReader
from services.engine.domain.node_parts.tool_arguments import ToolArguments
from services.engine.domain.variables.record import record
from services.engine.domain.variables.values import Value

_FAILURES = {"failed": "SubWorkflowFailed", "stopped": "SubWorkflowStopped"}


@record
class KnownWorkflow:
    """What a called workflow declares: the outputs of its ends, its inputs as its start node has
    them, and the most that any of its nodes does to the world."""

    outputs: OutputTypes
    inputs: tuple[Mapping[str, Value], ...]
    effect_class: NodeEffect


class CallsWorkflow(Offered):
    """A node that runs the workflow `ref` names (`workflow_ref`); "" where it names none."""

    __slots__ = ()

    @property
    @abstractmethod
    def ref(self) -> str: ...

    @abstractmethod
    def knowing_workflow(self, called: KnownWorkflow) -> Node:
        """The same node, told what it calls."""
        ...


def call_workflow(ref: str, inputs: dict[str, Value]) -> NodeRun:
    """Run the workflow and wait for its end; the outputs are its own. Raises NodeFailure when it
    did not end well."""
    try:
        outcome = expect(ChildOutcome, (yield RunWorkflow(call=ChildCall(ref=ref, inputs=inputs))))
    except EffectError as error:
        raise NodeFailure(error.message, error_type=error.error_type, inputs=inputs) from error
    if outcome.status in _FAILURES:
        raise NodeFailure(
            outcome.error or f"The called run {outcome.status}.",
            error_type=_FAILURES[outcome.status],
            inputs=inputs,
            process_data=_process_data(outcome),
        )
    return NodeResult(
        outputs={**outcome.outputs},
        inputs=inputs,
        process_data=_process_data(outcome),
        metadata={"total_tokens": outcome.total_tokens},
    )


def parse_workflow_ref(settings: SettingsReader, app: str, version: str = "") -> str:
    """The reference to the app that the field `app` names, and to a version of it where the field
    `version` names one; "" where that is none."""
    app_id = _uuid(settings, app, required=True)
    version_id = _uuid(settings, version) if version else None
    return "" if app_id is None else workflow_ref(app_id, version_id)


def not_given(called: KnownWorkflow, arguments: ToolArguments, field: str) -> Iterator[Problem]:
    """What the called workflow requires and the arguments, configured in `field`, leave out."""
    given = {name for name, _ in (*arguments.written, *arguments.passed)}
    for declared in called.inputs:
        name = declared.get("variable")
        if declared.get("required") and not declared.get("default") and name not in given:
            message = f"the called workflow requires {name!r}, which it is not given"
            yield Problem(
                code="missing_input", message=message, field=f"{field}.{name}", severity="warning"
            )


def _uuid(settings: SettingsReader, name: str, *, required: bool = False) -> UUID | None:
    text = settings.text(name, required=required)
    try:
        return UUID(text) if text else None
    except ValueError:
        settings.report(WRONG_TYPE, "must be the id of an app or a version", name)
        return None


def _process_data(outcome: ChildOutcome) -> dict[str, Value]:
    data: dict[str, Value] = {"child_run_id": str(outcome.run_id)}
    return {**data, "usage": outcome.usage} if outcome.usage else data
