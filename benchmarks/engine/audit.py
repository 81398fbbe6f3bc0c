"""What a reader in another process must have seen of each run."""

from uuid import UUID

from pydantic import BaseModel

from libs.common.contracts.run_events import (
    Committed,
    NodeFinished,
    NodeStarted,
    RunEvent,
    RunFinished,
)
from libs.common.contracts.subjects import Subject


class AuditQuestion(BaseModel):
    """Runs that have ended, with the number of nodes that each must have run."""

    nodes: dict[UUID, int]


class AuditAnswer(BaseModel):
    """What is wrong; empty when every event came once, in order, without a gap."""

    complaints: list[str]


AUDIT = Subject("bench.reader.audit", AuditQuestion, AuditAnswer)


class SeenRun:
    """One run as its live events tell it."""

    __slots__ = ("finished", "last", "over", "problem", "started")

    def __init__(self) -> None:
        self.last = 0
        self.started = 0
        self.finished = 0
        self.over = False
        self.problem = ""

    def take(self, event: RunEvent) -> None:
        if not isinstance(event, Committed):
            return
        if event.prev != self.last:
            self.problem = f"a gap before {event.seq}: {event.prev} instead of {self.last}"
        self.last = event.seq
        self.started += isinstance(event, NodeStarted)
        self.finished += isinstance(event, NodeFinished) and event.status == "succeeded"
        self.over = self.over or isinstance(event, RunFinished)

    def complaint(self, nodes: int) -> str | None:
        """Why this is not a whole run of `nodes` nodes."""
        if self.problem:
            return self.problem
        if not self.over:
            return "its end was not seen"
        if (self.started, self.finished) != (nodes, nodes):
            return f"{self.started} starts and {self.finished} ends of {nodes} nodes"
        return None
