"""The first journal event: everything that could move is pinned in it."""

from libs.common.contracts.run_commands import AcceptRun
from services.engine.domain.events.journal import SEMANTICS_VERSION, RunStarted

_SEED_BITS = 63


def run_started(request: AcceptRun, *, now: float) -> RunStarted:
    """`now` is Unix seconds. The seed comes from the run's id, so that a second first start of the
    same run (its first worker died before the commit) draws the same numbers. One that begins from
    another run has that one's seed and clock."""
    origin = request.origin
    return RunStarted(
        at=now,
        workflow_hash=request.workflow_hash,
        semantics_version=SEMANTICS_VERSION,
        seed=origin.seed if origin else request.run_id.int & ((1 << _SEED_BITS) - 1),
        clock=origin.clock if origin else now,
        inputs=request.inputs,
        system=request.system,
        environment={
            each.name: each.value for each in request.environment if each.secret_version is None
        },
        conversation=request.conversation_variables,
        secrets=request.secrets,
        history=[[turn.query, turn.answer] for turn in request.history],
        max_steps=request.limits.max_steps,
        max_seconds=request.limits.max_seconds,
    )
