"""The first journal event: everything that could move is pinned in it."""

from libs.common.contracts.run_commands import AcceptRun
from services.engine.domain.events.journal import SEMANTICS_VERSION, RunStarted
from services.engine.domain.variables.sizes import VARIABLE_BYTES
from services.engine.domain.variables.values import Value

_SEED_BITS = 63


def run_started(
    request: AcceptRun,
    *,
    now: float,
    pins: RunStarted | None = None,
    variable_bytes: int = VARIABLE_BYTES,
) -> RunStarted:
    """`now` is Unix seconds. The seed comes from the run's id, so that a second first start of the
    same run (its first worker died before the commit) draws the same numbers. One that begins from
    another run has that one's `pins`: its seed, its clock, and the values of its conversation."""
    return RunStarted(
        at=now,
        workflow_hash=request.workflow_hash,
        semantics_version=SEMANTICS_VERSION,
        seed=pins.seed if pins else request.run_id.int & ((1 << _SEED_BITS) - 1),
        clock=pins.clock if pins else now,
        inputs=request.inputs,
        system=request.system,
        environment={
            each.name: each.value for each in request.environment if each.secret_version is None
        },
        conversation=_conversation(request, pins),
        secrets=request.secrets,
        history=[[turn.query, turn.answer] for turn in request.history],
        max_steps=request.limits.max_steps,
        max_seconds=request.limits.max_seconds,
        max_variable_bytes=variable_bytes,
        max_tokens=request.limits.max_tokens,
        root=request.root,
        sub_workflows={each.ref: each.workflow_hash for each in request.sub_workflows},
        around=request.around,
    )


def _conversation(request: AcceptRun, pins: RunStarted | None) -> dict[str, Value]:
    """Another version may declare other variables; those that both have keep their values, save
    where they may come of a secret and nothing of the new run is sealed."""
    declared = request.conversation_variables
    if pins is None or (pins.secrets and not request.has_secrets):
        return declared
    return {name: pins.conversation.get(name, value) for name, value in declared.items()}
