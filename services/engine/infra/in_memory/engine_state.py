"""The engine's rows in memory, shared by the stores of this package."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from pydantic import JsonValue

from libs.common.clock import Clock
from libs.common.contracts.form_deliveries import FormDelivery, FormOpened
from libs.common.contracts.forms import FormStatus, HumanForm
from libs.common.contracts.run_commands import (
    AbortRun,
    AcceptRun,
    ChildAccepted,
    RunCommand,
    RunEnded,
    RunStatus,
)
from libs.common.contracts.workflows import WorkflowDefinition
from services.engine.app.ports.conversation_store import KeptVariable
from services.engine.app.ports.journal_store import Entry
from services.engine.app.ports.run_store import Claim
from services.engine.domain.variables.values import Value


class StoredSnapshot(NamedTuple):
    """As the table engine.snapshots."""

    epoch: int
    seq: int
    fold_version: int
    stored: bytes


@dataclass(slots=True, kw_only=True)
class FormRow:
    """As the table engine.forms."""

    key: str
    node_id: str
    frame: str
    shown: HumanForm
    opened_at: float
    expires_at: float
    status: FormStatus = "open"
    acted_at: float | None = None
    actor: str | None = None
    action: str | None = None
    inputs: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    command_id: UUID | None = None
    deliveries: tuple[FormDelivery, ...] = ()


@dataclass(slots=True, kw_only=True)
class RunRow:
    """As the table engine.runs, with what the other tables hold of the run beside it. `timers` maps
    kind and reference to the due instant."""

    request: AcceptRun
    accepted_at: float
    status: RunStatus
    epoch: int = 0
    owner: UUID | None = None
    claimed_at: float | None = None
    takeovers: int = 0
    outcome: RunEnded | None = None
    evidence: str | None = None
    waits_turn: bool = False
    journal: list[list[Entry]] = field(default_factory=list[list[Entry]])
    commands: dict[UUID, RunCommand] = field(default_factory=dict[UUID, RunCommand])
    drained: set[UUID] = field(default_factory=set[UUID])
    forms: dict[UUID, FormRow] = field(default_factory=dict[UUID, FormRow])
    timers: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])
    resumed_by: set[UUID] = field(default_factory=set[UUID])
    snapshot: StoredSnapshot | None = None

    @property
    def key(self) -> tuple[UUID, UUID]:
        return self.request.tenant_id, self.request.run_id

    def put_command(self, command: RunCommand) -> None:
        """Store it once, and queue the run if it is parked."""
        if command.command_id not in self.commands:
            self.commands[command.command_id] = command
            self.status = "queued" if self.status == "parked" else self.status
            # It ends out of turn.
            self.waits_turn = self.waits_turn and not isinstance(command, AbortRun)

    def undrained(self) -> list[RunCommand]:
        return [each for each in self.commands.values() if each.command_id not in self.drained]

    def claimed_by(self, worker: UUID, now: float) -> Claim:
        """Raise the epoch."""
        self.status, self.owner, self.claimed_at = "running", worker, now
        self.epoch += 1
        return Claim(
            epoch=self.epoch,
            request=self.request,
            takeovers=self.takeovers,
            accepted_at=self.accepted_at,
        )


class EngineState:
    """One engine's whole store. `leases` end on the clock's monotonic time; `outbox` and `children`
    hold what a relay would send. `add` a run and `end` it here: `live` are those between."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.runs: dict[tuple[UUID, UUID], RunRow] = {}
        self._live: dict[tuple[UUID, UUID], RunRow] = {}
        self.workflows: dict[tuple[UUID, str], WorkflowDefinition] = {}
        self.leases: dict[UUID, float] = {}
        self.outbox: list[RunEnded | FormOpened] = []
        self.children: list[ChildAccepted] = []
        self.conversations: dict[tuple[UUID, UUID], dict[str, KeptVariable]] = {}

    def is_alive(self, worker: UUID | None) -> bool:
        return worker is not None and self.leases.get(worker, 0.0) > self.clock.monotonic()

    @property
    def live(self) -> Collection[RunRow]:
        """The runs that have not ended, as accepted."""
        return self._live.values()

    def add(self, row: RunRow) -> None:
        """A run is accepted."""
        self.runs[row.key] = self._live[row.key] = row

    def end(self, row: RunRow, outcome: RunEnded) -> None:
        """The run's one end, with all that its transaction changes beside the journal."""
        row.status, row.owner, row.outcome, row.snapshot = outcome.status, None, outcome, None
        del self._live[row.key]
        self.outbox.append(outcome)
        self.pass_turn(row.request)

    def turns(self, request: AcceptRun) -> list[RunRow]:
        """The runs of its conversation that take turns and have not ended, as accepted."""
        if request.turn_of is None:
            return []
        return [
            row
            for row in self.live
            if row.request.turn_of == request.turn_of and row.request.tenant_id == request.tenant_id
        ]

    def pass_turn(self, ended: AcceptRun) -> None:
        """To the oldest run that waits, unless another one has it."""
        live = self.turns(ended)
        if live and all(row.waits_turn for row in live):
            live[0].waits_turn = False

    def keep_variable(
        self,
        tenant_id: UUID,
        conversation_id: UUID,
        name: str,
        value: Value,
        *,
        run_id: UUID | None = None,
        seq: int = 0,
    ) -> KeptVariable:
        """As a row of engine.conversation_variables, in place of the one that is there."""
        variables = self.conversations.setdefault((tenant_id, conversation_id), {})
        before, now = variables.get(name), self.now()
        variables[name] = KeptVariable(
            name=name,
            value=value,
            created_at=before.created_at if before else now,
            changed_at=now,
            run_id=run_id,
            seq=seq,
        )
        return variables[name]

    def now(self) -> float:
        return self.clock.time()
