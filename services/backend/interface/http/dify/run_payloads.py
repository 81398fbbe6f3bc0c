"""The `data` of run events and the blocking answers."""

from pydantic import JsonValue

from libs.common.contracts.run_events import RunResumed, RunStarted
from services.backend.app.runs.start_run import StartedRun
from services.backend.domain.runs.records import RunEnding
from services.backend.interface.http.dify.output_files import output_files
from services.backend.interface.http.dify.statuses import shown_status
from services.backend.interface.http.dify.usage import answer_metadata

Data = dict[str, JsonValue]


def workflow_started_data(run: StartedRun, event: RunStarted) -> Data:
    return _began(run, event.inputs, event.at, event.reason)


def workflow_resumed_data(run: StartedRun, event: RunResumed) -> Data:
    return _began(run, run.acceptance.inputs, event.at, "resumption")


def _began(run: StartedRun, inputs: Data, at: float, reason: str) -> Data:
    system: Data = {
        f"sys.{name}": value
        for name, value in run.acceptance.system.items()
        if name != "conversation_id"
    }
    return {
        "id": str(run.run_id),
        "workflow_id": str(run.version_id),
        "inputs": {**inputs, **system},
        "created_at": int(at),
        "reason": reason,
    }


def workflow_finished_data(run: StartedRun, ending: RunEnding) -> Data:
    created_by: Data = {"id": str(run.end_user_id), "user": run.session_id}
    return {
        **_outcome(run, ending),
        "created_by": created_by,
        "exceptions_count": ending.exceptions_count,
        "files": output_files(ending.outputs),
    }


def workflow_answer(run: StartedRun, ending: RunEnding) -> Data:
    """The blocking answer of a workflow app, also when the run failed."""
    return {
        "task_id": str(run.run_id),
        "workflow_run_id": str(run.run_id),
        "data": _outcome(run, ending),
    }


def chat_answer(run: StartedRun, ending: RunEnding) -> Data:
    """The blocking answer of a chat app."""
    return {
        "event": "message",
        "task_id": str(run.run_id),
        "id": str(run.message_id),
        "message_id": str(run.message_id),
        "conversation_id": str(run.conversation_id),
        "mode": run.mode,
        "answer": ending.answer,
        "metadata": answer_metadata(ending.usage),
        "created_at": int(run.created_at.timestamp()),
        "workflow_run_id": str(run.run_id),
    }


def _outcome(run: StartedRun, ending: RunEnding) -> Data:
    finished_at = ending.finished_at.timestamp()
    return {
        "id": str(run.run_id),
        "workflow_id": str(run.version_id),
        "status": shown_status(ending.status),
        "outputs": ending.outputs,
        "error": ending.error,
        "elapsed_time": ending.elapsed_seconds,
        "total_tokens": ending.total_tokens,
        "total_steps": ending.total_steps,
        "created_at": int(finished_at - ending.elapsed_seconds),
        "finished_at": int(finished_at),
    }
