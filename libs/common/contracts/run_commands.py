"""Accepting a run, commanding it, and the fact that it ended."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue

from libs.common.contracts.child_runs import ChildOutcome, ParentRun, PinnedWorkflow
from libs.common.contracts.environment_values import EnvironmentValue
from libs.common.contracts.forms import HumanAnswer
from libs.common.contracts.run_forks import RunOrigin
from libs.common.contracts.run_limits import RunLimits


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


RunStatus = Literal[
    "queued",
    "running",
    "parked",
    "succeeded",
    "partial-succeeded",
    "failed",
    "stopped",
    "quarantined",
    "incompatible",
]
TERMINAL_STATUSES = frozenset({"succeeded", "partial-succeeded", "failed", "stopped"})
SET_ASIDE_STATUSES = frozenset({"quarantined", "incompatible"})


class HistoryTurn(_Frozen):
    """One finished turn of the conversation, oldest first."""

    query: str
    answer: str


class AcceptRun(_Frozen):
    """Take responsibility for a run. Idempotent by `run_id` (a UUIDv7 minted by the backend).

    `system` holds `sys.*` values by their short name (query, files, user_id, app_id, workflow_id,
    workflow_run_id, conversation_id, dialogue_count, timestamp). `workflow_hash` must have been
    registered; else the error `workflow_unknown`. `traceparent` (W3C) is the trace that asked for
    the run: all its spans go on in it, whichever workers own the run and whenever. `origin` is the
    run that this one begins from; `root` the id of the node to begin with, None for the first node
    that a run can begin with; `given` are variables, by scope and name, that stand in for nodes
    which the workflow does not have (the test of a single node).

    `conversation_variables` are first values; what the conversation `conversation_id` has kept
    stands instead of them. None: nothing is kept. `takes_turns`: the run begins when the earlier
    ones of its conversation that take turns have ended.

    `sub_workflows` is what the workflows that its nodes call, at any depth, mean; a run with a
    `parent` is called by a node of that one.
    """

    tenant_id: UUID
    run_id: UUID
    app_id: UUID
    workflow_hash: str
    inputs: dict[str, JsonValue] = {}
    system: dict[str, JsonValue] = {}
    environment: tuple[EnvironmentValue, ...] = ()
    conversation_variables: dict[str, JsonValue] = {}
    history: tuple[HistoryTurn, ...] = ()
    limits: RunLimits = RunLimits()
    traceparent: str | None = None
    origin: RunOrigin | None = None
    root: str | None = None
    given: dict[str, dict[str, JsonValue]] = {}
    conversation_id: UUID | None = None
    sub_workflows: tuple[PinnedWorkflow, ...] = ()
    parent: ParentRun | None = None
    takes_turns: bool = False

    @property
    def depth(self) -> int:
        """How many runs are around it."""
        return 0 if self.parent is None else self.parent.depth

    @property
    def around(self) -> dict[str, int]:
        """The secrets of the runs around it, by `app/name`, with their versions."""
        return {} if self.parent is None else self.parent.secrets

    @property
    def turn_of(self) -> UUID | None:
        """The conversation in which the run waits for its turn; None: it does not."""
        return self.remembers if self.takes_turns else None

    @property
    def remembers(self) -> UUID | None:
        """The conversation whose variables the run begins with and changes. A run that begins from
        another one is no turn of its conversation."""
        return self.conversation_id if self.origin is None else None

    @property
    def secrets(self) -> dict[str, int]:
        """The version of each secret environment value by its name."""
        return {
            each.name: each.secret_version
            for each in self.environment
            if each.secret_version is not None
        }

    @property
    def has_secrets(self) -> bool:
        """Whatever is stored or sent of the run has to be sealed (libs.common.run_sealing)."""
        return bool(self.around) or any(
            each.secret_version is not None for each in self.environment
        )


class RunAccepted(_Frozen):
    """`already_known` True: a repeat of an earlier acceptance."""

    run_id: UUID
    status: str
    already_known: bool = False


class ChildAccepted(_Frozen):
    """A run that a node of another one calls is accepted. Told without its inputs where they may
    come of a secret."""

    version_id: UUID
    acceptance: AcceptRun

    @property
    def tellable(self) -> "ChildAccepted":
        """The same as it may be told."""
        if not self.acceptance.around:
            return self
        return self.model_copy(
            update={"acceptance": self.acceptance.model_copy(update={"inputs": {}})}
        )


class RunOrder(_Frozen):
    """What all commands share. One takes effect once by `command_id`, however often it is sent."""

    tenant_id: UUID
    run_id: UUID
    command_id: UUID


class AbortRun(RunOrder):
    """Stop a run. `reason` is shown to its callers."""

    kind: Literal["abort"] = "abort"
    reason: str = "Stopped by user."


class PauseRun(RunOrder):
    """Begin nothing new. Calls under way end and are recorded; then the run is parked."""

    kind: Literal["pause"] = "pause"
    reason: str = "Paused by user."


class ResumeRun(RunOrder):
    """Go on after a pause, or put a run that was set aside (quarantined or incompatible) back into
    the queue."""

    kind: Literal["resume"] = "resume"


class VariableUpdate(_Frozen):
    """A new value of a variable. `selector`: a node's id or `conversation`, and a name."""

    selector: tuple[str, str]
    value: JsonValue


class UpdateVariables(RunOrder):
    """Change variables of the run's outermost frame, for all that is begun from then on."""

    kind: Literal["update_variables"] = "update_variables"
    updates: tuple[VariableUpdate, ...]


class AnswerForm(RunOrder):
    """A person has answered the form of the effect `key`. Stored by the form's submission alone."""

    kind: Literal["submit_form"] = "submit_form"
    key: str
    answer: HumanAnswer


class ChildFinished(RunOrder):
    """The run that the effect `key` called has ended. Stored by that end alone."""

    kind: Literal["child_finished"] = "child_finished"
    key: str
    outcome: ChildOutcome


class TimerDue(RunOrder):
    """An instant that a parked run waited for has come. `timer` form: nobody answered the form of
    the effect `ref` in time; wait: the run's own timer `ref`."""

    kind: Literal["timer_due"] = "timer_due"
    timer: Literal["form", "wait"]
    ref: str


RunCommand = (
    AbortRun | PauseRun | ResumeRun | UpdateVariables | AnswerForm | ChildFinished | TimerDue
)
"""Everything that a run can be told while it is under way."""


class CommandAccepted(_Frozen):
    """`run_status` is the status at that moment; a terminal one means that nothing was to do."""

    accepted: bool
    run_status: str


class Doorbell(_Frozen):
    """A wake-up only: nothing is lost if it is."""

    tenant_id: UUID
    run_id: UUID


class RunEnded(_Frozen):
    """A run reached its one terminal status. `open_keys` are effects still under way as its
    owner knew them. A callee cancels all that the run has open there, which includes calls of
    earlier owners, refuses later calls of the run and starts the 24 hours of its records. Told
    late, twice, or before a call arrives, it means the same."""

    tenant_id: UUID
    run_id: UUID
    app_id: UUID
    epoch: int
    status: RunStatus
    outputs: dict[str, JsonValue] = {}
    answer: str = ""
    error: str | None = None
    total_tokens: int = 0
    total_steps: int = 0
    exceptions_count: int = 0
    elapsed_seconds: float = 0.0
    created_at: float
    finished_at: float
    usage: dict[str, JsonValue] = {}
    open_keys: tuple[str, ...] = ()
