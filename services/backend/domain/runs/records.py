"""Runs as the backend keeps them: acceptance first, the outcome later."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from pydantic import JsonValue

from libs.common.contracts.run_commands import AcceptRun, RunStatus
from libs.common.contracts.run_events import RunFinished


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatTurn:
    """The turn of a conversation that a run answers."""

    conversation_id: UUID
    message_id: UUID
    query: str
    new_conversation: bool = False
    name: str = ""
    files: tuple[JsonValue, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run about to be accepted. `acceptance` is what the engine will be asked, now or later.

    `session_id` is the caller's own name for its end user. `request_hash` guards the reuse of
    `idempotency_key`. `file_ids` are the uploads that it names, and which stay for it.
    """

    acceptance: AcceptRun
    version_id: UUID
    mode: str
    end_user_id: UUID
    session_id: str
    turn: ChatTurn | None = None
    idempotency_key: str | None = None
    request_hash: str = ""
    file_ids: tuple[UUID, ...] = ()

    @property
    def run_id(self) -> UUID:
        return self.acceptance.run_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnding:
    """How a run ended. `answer` is its visible text."""

    run_id: UUID
    status: RunStatus
    outputs: dict[str, JsonValue]
    error: str | None
    answer: str
    total_tokens: int
    total_steps: int
    exceptions_count: int
    elapsed_seconds: float
    finished_at: datetime
    usage: dict[str, JsonValue]


def ending_of(run_id: UUID, event: RunFinished, text: str) -> RunEnding:
    """The same from a run's last public event and its visible text."""
    return RunEnding(
        run_id=run_id,
        status=event.status,
        outputs=event.outputs,
        error=event.error,
        answer=text,
        total_tokens=event.total_tokens,
        total_steps=event.total_steps,
        exceptions_count=event.exceptions_count,
        elapsed_seconds=event.elapsed_seconds,
        finished_at=datetime.fromtimestamp(event.at, UTC),
        usage=event.usage,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run's row. `ending` None: not known to have ended."""

    run_id: UUID
    app_id: UUID
    version_id: UUID
    mode: str
    end_user_id: UUID
    session_id: str
    conversation_id: UUID | None
    message_id: UUID | None
    acceptance: AcceptRun
    request_hash: str
    status: RunStatus
    created_at: datetime
    handed_over: bool
    stop_reason: str | None
    ending: RunEnding | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """A run in a list. Instants are Unix seconds; `error` also says why one was set aside.
    `parent_run_id` is the run whose node called it."""

    run_id: UUID
    app_id: UUID
    status: RunStatus
    created_at: float
    finished_at: float | None = None
    error: str | None = None
    parent_run_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRun:
    """A run that still has something to tell the engine: itself, or that it is to stop."""

    tenant_id: UUID
    run_id: UUID
