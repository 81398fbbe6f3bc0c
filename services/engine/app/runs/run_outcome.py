"""The fact that a run ended, as its outbox row and the log tell it."""

import logging
from collections.abc import Iterable

from libs.common.contracts.run_commands import RunEnded
from services.engine.app.ports.run_store import Claim
from services.engine.domain.events.journal import RunFinished

_log = logging.getLogger(__name__)


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


def note_end(ended: RunEnded) -> None:
    """What went wrong stands in the run's trace; a log line must not hold what users wrote."""
    level = logging.DEBUG if ended.status == "succeeded" else logging.WARNING
    if not _log.isEnabledFor(level):
        return
    _log.log(
        level,
        "a run ended",
        extra={
            "run_id": str(ended.run_id),
            "tenant_id": str(ended.tenant_id),
            "status": ended.status,
            "steps": ended.total_steps,
        },
    )
