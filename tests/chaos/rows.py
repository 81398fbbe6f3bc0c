"""What the services' tables say of runs, as the audit reads it. Times are Unix seconds."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.engine.domain.events.journal import JournalEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run as engine and backend store it; times are None where not reached."""

    run_id: UUID
    status: str
    backend_status: str
    handed_over: bool
    epoch: int
    owner: UUID | None
    claimed_at: float | None
    finished_at: float | None
    takeovers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRow:
    first_seq: int
    last_seq: int
    epoch: int
    events: list[JournalEvent]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One keyed call at inference or plugin; `claim_number` counts who set out to make it."""

    service: str
    run_id: UUID
    key: str
    status: str
    effect_class: str
    claim_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FormRow:
    run_id: UUID
    status: str
    action: str | None
    acted_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """One turn of a conversation."""

    run_id: UUID
    status: str
    answer: str | None
    turns: int


def seconds(instant: datetime | None) -> float | None:
    return None if instant is None else instant.timestamp()
