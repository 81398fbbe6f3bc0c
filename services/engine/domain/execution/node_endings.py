"""The journal events with which an attempt of a node ends."""

from services.engine.domain.events import journal
from services.engine.domain.execution.failure_policy import FailurePolicy
from services.engine.domain.execution.node_progress import NodeProgress
from services.engine.domain.node_parts.node_contract import NodeFailure, NodeResult
from services.engine.domain.variables.values import Value


def succeeded_node(progress: NodeProgress, result: NodeResult, now: float) -> journal.NodeSucceeded:
    return journal.NodeSucceeded(
        at=now,
        node_id=progress.node_id,
        frame=progress.frame,
        outputs=result.outputs,
        handle=result.handle,
        inputs=result.inputs,
        process_data=result.process_data,
        metadata=result.metadata,
        started_at=progress.started_at,
    )


def retry_of(
    progress: NodeProgress, failure: NodeFailure, now: float, due: float
) -> journal.NodeRetryScheduled:
    return journal.NodeRetryScheduled(
        at=now,
        node_id=progress.node_id,
        frame=progress.frame,
        attempt=progress.attempt,
        due=due,
        error=failure.told,
        error_type=failure.error_type,
        inputs=failure.inputs,
        started_at=progress.started_at,
    )


def failed_node(
    progress: NodeProgress, failure: NodeFailure, policy: FailurePolicy, now: float
) -> journal.NodeFailed:
    """The node's last word; what comes after it is the policy's."""
    told: dict[str, Value] = {
        "error_message": failure.message,
        "error_type": failure.error_type,
    }
    outputs: dict[str, Value] = dict(failure.outputs)
    handle = "source"
    if policy.strategy == "fail-branch":
        outputs, handle = told, "fail-branch"
    elif policy.strategy == "default-value":
        outputs = {**policy.defaults, **told}
    return journal.NodeFailed(
        at=now,
        node_id=progress.node_id,
        frame=progress.frame,
        error=failure.told,
        error_type=failure.error_type,
        handled=policy.strategy,
        outputs=outputs,
        handle=handle,
        inputs=failure.inputs,
        process_data=failure.process_data,
        metadata={"error_strategy": policy.strategy} if policy.strategy != "none" else {},
        started_at=progress.started_at,
    )
