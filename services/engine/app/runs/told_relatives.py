"""What a run has to say to the run that called it and to those that it has called."""

from collections.abc import Iterator, Sequence
from uuid import uuid5

from libs.common.contracts.child_runs import ChildOutcome
from libs.common.contracts.run_commands import AbortRun, ChildFinished, RunEnded
from services.engine.app.ports.run_store import Claim
from services.engine.domain.events.journal import RunFinished
from services.engine.domain.execution.run_state import RunState
from services.engine.domain.execution.step import StopChild


def told_children(claim: Claim, stops: Sequence[StopChild]) -> Iterator[AbortRun]:
    """Each is one command, whoever owns the run when it is sent."""
    for stop in stops:
        yield AbortRun(
            tenant_id=claim.tenant_id,
            run_id=stop.child_run_id,
            command_id=uuid5(stop.child_run_id, "stopped by its caller"),
            reason=stop.reason,
        )


def told_parent(
    claim: Claim, ended: RunEnded, finished: RunFinished, state: RunState
) -> Iterator[ChildFinished]:
    """Nothing where nobody called the run."""
    parent = claim.request.parent
    if parent is None:
        return
    yield ChildFinished(
        tenant_id=claim.tenant_id,
        run_id=parent.run_id,
        command_id=uuid5(claim.run_id, "ended"),
        key=parent.key,
        outcome=ChildOutcome(
            run_id=claim.run_id,
            status=finished.status,
            outputs=finished.outputs,
            error=ended.error,
            total_tokens=finished.total_tokens,
            total_steps=finished.total_steps + state.totals.child_steps,
            model_tokens=state.totals.model_tokens,
            usage=finished.usage,
            waited_seconds=state.standstill.idle,
        ),
    )
