"""Runs of which only the outcome is kept."""

from services.engine.app.errors import HistoryGone
from services.engine.app.ports.run_store import RunRecord


def with_history(record: RunRecord) -> RunRecord:
    """The record itself. Raises HistoryGone where nothing tells any more what happened in it."""
    if record.history_gone:
        raise HistoryGone(
            "What happened in the run is kept no longer; its outcome is.",
            extra={"run_id": str(record.run_id), "run_status": record.status},
        )
    return record
