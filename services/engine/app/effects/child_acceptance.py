"""What a run is accepted with that another run's node calls."""

from libs.common.contracts.child_runs import ParentRun, PinnedWorkflow
from libs.common.contracts.run_commands import AcceptRun, ChildAccepted
from libs.common.contracts.run_limits import RunLimits, narrowed
from services.engine.app.ports.run_store import Claim
from services.engine.domain.execution.effect_keys import run_scope
from services.engine.domain.execution.step import StartChild
from services.engine.domain.layers.tracing import span_places
from services.engine.domain.node_parts.effects import EffectError
from services.engine.domain.variables.values import Value


def pinned(parent: AcceptRun, child: StartChild) -> PinnedWorkflow:
    """What the child runs. Raises EffectError for a call that goes too deep, and for one of a
    workflow that the run was not accepted with."""
    most = parent.limits.max_depth
    if parent.depth >= most:
        raise _refused("SubWorkflowTooDeep", f"Runs call runs at most {most} deep.")
    for pin in parent.sub_workflows:
        if pin.ref == child.call.ref:
            return pin
    raise _refused(
        "SubWorkflowMissing", f"The run was accepted without the workflow {child.call.ref!r}."
    )


def child_accepted(
    parent: Claim,
    child: StartChild,
    pin: PinnedWorkflow,
    *,
    inputs: dict[str, Value],
    limits: RunLimits,
    now: float,
) -> ChildAccepted:
    """`limits` are what its caller has left; the called workflow may narrow them. `now` is Unix
    seconds."""
    caller = parent.request
    places = span_places(run_scope(parent.tenant_id, parent.run_id), caller.traceparent)
    acceptance = AcceptRun(
        tenant_id=caller.tenant_id,
        run_id=child.child_run_id,
        app_id=pin.app_id,
        workflow_hash=pin.workflow_hash,
        inputs=inputs,
        system={
            "files": [],
            "user_id": caller.system.get("user_id"),
            "app_id": str(pin.app_id),
            "workflow_id": str(pin.version_id),
            "workflow_run_id": str(child.child_run_id),
            "timestamp": int(now),
        },
        environment=pin.environment,
        limits=narrowed(
            limits.model_copy(update={"max_depth": caller.limits.max_depth}),
            pin.bounds,
            depth=caller.depth + 1,
        ),
        traceparent=caller.traceparent if places is None else places.of_effect(child.key),
        sub_workflows=caller.sub_workflows,
        parent=ParentRun(
            run_id=caller.run_id,
            node_id=child.node_id,
            key=child.key,
            depth=caller.depth + 1,
            secrets=_around(caller),
        ),
    )
    return ChildAccepted(version_id=pin.version_id, acceptance=acceptance)


def _around(caller: AcceptRun) -> dict[str, int]:
    own = {f"{caller.app_id}/{name}": version for name, version in caller.secrets.items()}
    return {**caller.around, **own}


def _refused(error_type: str, message: str) -> EffectError:
    return EffectError(message, error_type=error_type, retryable=False)
