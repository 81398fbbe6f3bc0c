"""Run events as the world sees them: a closed union, deltas only, sparse numbers.

A committed event carries `seq`, its position in the run's journal, and `prev`, the `seq` of the
public event before it (0 for the first). A text delta is volatile and carries neither. The id that
a client sees is `<seq>.<offset>`; offsets count Unicode code points of the run's visible text.
"""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from libs.common.contracts.forms import HumanForm
from libs.common.contracts.run_commands import RunStatus


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Committed(_Frozen):
    """What all committed events share. `at` is Unix seconds, `version` the schema's version.

    `offset` is the length of the run's committed visible text after this event.
    """

    seq: int
    prev: int
    at: float
    offset: int = 0
    version: Literal[1] = 1


class RunStarted(Committed):
    kind: Literal["run_started"] = "run_started"
    workflow_hash: str
    inputs: dict[str, JsonValue]
    reason: Literal["initial", "resumption"] = "initial"


class Placed(Committed):
    """`frame_path` lists container and round, from the outermost inwards ("" outside containers);
    the ids and rounds (from 0) are those of the innermost iteration and loop around the node."""

    frame_path: str = ""
    iteration_id: str | None = None
    iteration_index: int | None = None
    loop_id: str | None = None
    loop_index: int | None = None


class NodeStarted(Placed):
    """`index` counts node starts of the run from 1."""

    kind: Literal["node_started"] = "node_started"
    execution_id: UUID
    node_id: str
    node_type: str
    title: str
    index: int
    predecessor_node_id: str | None = None


class ContainerStarted(Placed):
    """An iteration or a loop has read what it goes over: `length` rounds at most. Its end is its
    `node_finished`."""

    kind: Literal["iteration_started", "loop_started"]
    execution_id: UUID
    node_id: str
    node_type: str
    title: str
    index: int
    length: int
    inputs: dict[str, JsonValue] = {}


class RoundStarted(Placed):
    """Round `round` (from 0) of an iteration or a loop began. Rounds may overlap."""

    kind: Literal["iteration_next", "loop_next"]
    execution_id: UUID
    node_id: str
    node_type: str
    title: str
    index: int
    round: int


class NodeFinished(Placed):
    """`status` exception: failed, and its error strategy handled it. `rounds` is the number of a
    container's rounds as its start announced it; None for other nodes, and where it never came to
    its rounds. `taken_from` is the run that executed the node, where this one took it over."""

    kind: Literal["node_finished"] = "node_finished"
    execution_id: UUID
    node_id: str
    node_type: str
    title: str
    index: int
    predecessor_node_id: str | None = None
    rounds: int | None = None
    status: Literal["succeeded", "failed", "exception"]
    inputs: dict[str, JsonValue] = {}
    process_data: dict[str, JsonValue] = {}
    outputs: dict[str, JsonValue] = {}
    error: str | None = None
    error_type: str | None = None
    started_at: float
    elapsed_seconds: float
    metadata: dict[str, JsonValue] = {}
    taken_from: UUID | None = None


class NodeRetrying(Placed):
    """An attempt failed and another follows after `wait_seconds`."""

    kind: Literal["node_retrying"] = "node_retrying"
    execution_id: UUID
    node_id: str
    node_type: str
    title: str
    index: int
    retry_index: int
    error: str
    error_type: str
    wait_seconds: float
    inputs: dict[str, JsonValue] = {}
    started_at: float


class FormShown(_Frozen):
    """An open form of a run. Who may answer it is asked for it by its id; after `expires_at`, Unix
    seconds, nobody can."""

    form_id: UUID
    node_id: str
    title: str
    frame_path: str = ""
    form: HumanForm
    expires_at: float


class HumanInputRequired(Placed):
    """The node waits for a person to answer `shown`."""

    kind: Literal["human_input_required"] = "human_input_required"
    execution_id: UUID
    node_id: str
    node_type: str
    title: str
    index: int
    shown: FormShown


class HumanInputEnded(Placed):
    """The form was answered with `action`, or its time ran out (its `action` is empty then).
    `rendered` is its content with the answers in their places."""

    kind: Literal["human_input_filled", "human_input_timeout"]
    execution_id: UUID
    node_id: str
    node_type: str
    title: str
    index: int
    form_id: UUID
    action: str
    action_title: str
    inputs: dict[str, JsonValue] = {}
    actor: str | None = None
    rendered: str
    expires_at: float


class RunPaused(Committed):
    """Nothing of the run is under way: it waits for the `forms`, or was paused for `reason`."""

    kind: Literal["run_paused"] = "run_paused"
    reason: str | None = None
    forms: tuple[FormShown, ...] = ()
    elapsed_seconds: float
    total_tokens: int
    total_steps: int
    created_at: float


class RunResumed(Committed):
    """The run goes on after `run_paused`."""

    kind: Literal["run_resumed"] = "run_resumed"


class GenerationStarted(Committed):
    """Deltas of `generation` may follow, numbered from `from_offset`. Deltas of any other
    generation of the same call are to be dropped, and text above `from_offset` is withdrawn."""

    kind: Literal["generation_started"] = "generation_started"
    key: str
    generation: str
    from_offset: int
    node_id: str
    selector: tuple[str, ...]
    frame_path: str = ""


class TextCommitted(Committed):
    """Visible text `[from_offset, from_offset + len(text))`, final. Where deltas of `generation`
    covered it already, it says the same text again and readers skip what they have."""

    kind: Literal["text_committed"] = "text_committed"
    from_offset: int
    text: str
    node_id: str
    selector: tuple[str, ...]
    frame_path: str = ""
    generation: str | None = None
    final: bool = False


class TextReplaced(Committed):
    """Visible text above `from_offset` is withdrawn."""

    kind: Literal["text_replaced"] = "text_replaced"
    from_offset: int


class RunFinished(Committed):
    kind: Literal["run_finished"] = "run_finished"
    status: RunStatus
    outputs: dict[str, JsonValue] = {}
    error: str | None = None
    elapsed_seconds: float
    total_tokens: int
    total_steps: int
    exceptions_count: int = 0
    usage: dict[str, JsonValue] = {}
    created_at: float


class TextDelta(_Frozen):
    """Volatile text, ahead of its commit. `seq` is the last public event's number."""

    kind: Literal["text_delta"] = "text_delta"
    seq: int
    from_offset: int
    text: str
    node_id: str
    selector: tuple[str, ...]
    frame_path: str = ""
    generation: str


class ReasoningDelta(_Frozen):
    """What a model thinks while it thinks. Transient: sent without id, never resumed, complete in
    the node's outputs. Readers drop what belongs to no generation under way."""

    kind: Literal["reasoning_delta"] = "reasoning_delta"
    node_id: str
    text: str
    frame_path: str = ""
    generation: str


CommittedEvent = (
    RunStarted
    | NodeStarted
    | ContainerStarted
    | RoundStarted
    | NodeFinished
    | NodeRetrying
    | HumanInputRequired
    | HumanInputEnded
    | RunPaused
    | RunResumed
    | GenerationStarted
    | TextCommitted
    | TextReplaced
    | RunFinished
)
RunEvent = Annotated[
    CommittedEvent | TextDelta | ReasoningDelta,
    Field(discriminator="kind"),
]


class RunEventMessage(_Frozen):
    """Events of one run that were published together, in order."""

    run_id: UUID
    events: tuple[RunEvent, ...]


def tail_key(tenant_id: UUID, run_id: UUID) -> str:
    """The Redis stream where the owner keeps recent text deltas for late readers."""
    return f"heddle:run-tail:{tenant_id}:{run_id}"
