"""The fact that a run ended, as its outbox row tells it."""

from collections.abc import Iterable

from libs.common.contracts.run_commands import RunEnded
from services.engine.app.ports.run_store import Claim
from services.engine.domain.events.journal import RunFinished


def run_ended(
    claim: Claim,
    finished: RunFinished,
    *,
    error: str | None,
    started_at: float,
    answer: str,
    open_keys: Iterable[str],
) -> RunEnded:
    """`error` is why it failed, as it may be shown; `started_at` the instant of the run's first
    journal event, Unix seconds; `answer` its whole visible text."""
    return RunEnded(
        tenant_id=claim.tenant_id,
        run_id=claim.run_id,
        app_id=claim.request.app_id,
        epoch=claim.epoch,
        status=finished.status,
        outputs=finished.outputs,
        answer=answer,
        error=error,
        total_tokens=finished.total_tokens,
        total_steps=finished.total_steps,
        exceptions_count=finished.exceptions_count,
        elapsed_seconds=max(finished.at - started_at, 0.0),
        created_at=started_at,
        finished_at=finished.at,
        usage=finished.usage,
        open_keys=tuple(open_keys),
    )
