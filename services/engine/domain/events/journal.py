"""The journal's language: everything that ever happened to a run, in the order it was applied.

Events are facts; the fold over them is the run. `at` is Unix seconds of the owner's clock. What the
fold can derive (edges taken and skipped, readiness) is not written down.
"""

from dataclasses import field
from typing import Literal

from services.engine.domain.events.standing import (
    ChildStarted,
    FormClosed,
    FormOpened,
    RunParked,
    RunResumed,
)
from services.engine.domain.variables.record import record
from services.engine.domain.variables.sizes import VARIABLE_BYTES
from services.engine.domain.variables.values import Value

SEMANTICS_VERSION = 1
"""Raised whenever today's code would fold or re-run an old journal differently."""


@record
class RunStarted:
    """Pins everything that could move.

    `system`, `environment` (secrets absent: see `secrets`), `conversation` are the pool's first
    contents; `secrets` maps a name to its version; `history` is [[query, answer], ...], oldest
    first; `seed` feeds the run's only source of randomness; `clock` is the run's "now". A
    conversation variable is not given more than `max_variable_bytes`. `max_tokens` None: no
    bound on those of model calls. `root` is the node it begins with, None the
    workflow's first root. `sub_workflows` are the content hashes of what nodes call, by
    reference; `around` the versions of the secrets of the runs around this one, by `app/name`.
    """

    at: float
    workflow_hash: str
    semantics_version: int
    seed: int
    clock: float
    inputs: dict[str, Value]
    system: dict[str, Value]
    environment: dict[str, Value] = field(default_factory=dict[str, Value])
    conversation: dict[str, Value] = field(default_factory=dict[str, Value])
    secrets: dict[str, int] = field(default_factory=dict[str, int])
    history: list[list[str]] = field(default_factory=list[list[str]])
    max_steps: int = 500
    max_seconds: float = 1200.0
    max_variable_bytes: int = VARIABLE_BYTES
    max_tokens: int | None = None
    root: str | None = None
    sub_workflows: dict[str, str] = field(default_factory=dict[str, str])
    around: dict[str, int] = field(default_factory=dict[str, int])


@record
class HistoryTaken:
    """The run begins from the run `origin`. What follows of nodes that were `taken` over happened
    there, at its instants; `edited` lists the outputs that are given anew, by node. `from_node` is
    where it forks, None for a replay."""

    at: float
    origin: str
    from_node: str | None
    taken: list[str]
    edited: dict[str, list[str]]


@record
class VariablesGiven:
    """Variables by scope and name, for nodes that read them without anyone who makes them."""

    at: float
    variables: dict[str, dict[str, Value]]


@record
class NodeStarted:
    """A node began. `frame` is its frame path ("" outside containers), `index` counts node starts
    of the run from 1. Not repeated by a retry."""

    at: float
    node_id: str
    frame: str
    index: int
    predecessor: str | None


@record
class ContainerStarted:
    """The container `node_id` has read what it goes over: `length` rounds at most.

    `items` are an iteration's, None for a loop. `variables` are a loop's own, put where its nodes
    read them. `output` is the selector of what each round leaves.
    """

    at: float
    node_id: str
    frame: str
    container: Literal["iteration", "loop"]
    length: int
    items: list[Value] | None = None
    variables: dict[str, Value] = field(default_factory=dict[str, Value])
    output: list[str] | None = None


@record
class FrameStarted:
    """Round `index` (from 0) of the container `node_id`, itself in `frame`, began."""

    at: float
    node_id: str
    frame: str
    index: int
    container: Literal["iteration", "loop"]


@record
class FrameFinished:
    """The round has ended. `error` is that of a failure nobody handled, which ends a round at once;
    None for a success."""

    at: float
    node_id: str
    frame: str
    index: int
    error: str | None = None
    error_type: str | None = None


@record
class EffectDispatched:
    """An effect may now be sent. `effect_class` and `request_hash` as in the effect's envelope;
    class `child` is a run of another workflow, class `timer` a wait inside the run that ends at
    instant `due` (Unix seconds), class `human` a form that can be answered until then, with its
    digest as hash."""

    at: float
    key: str
    node_id: str
    frame: str
    attempt: int
    call: int
    effect_class: str
    request_hash: str
    due: float | None = None


@record
class GenerationStarted:
    """Visible text of `generation` may be published from `from_offset` on."""

    at: float
    key: str
    generation: str
    from_offset: int
    node_id: str
    selector: list[str]
    frame: str = ""


@record
class EffectCompleted:
    """The result of an effect, as plain JSON (the contract's reply model, dumped; null for a wait).

    `visible` is the text that a streamed model call shows on `selector`, under `generation`.
    """

    at: float
    key: str
    result: Value
    visible: str | None = None
    selector: list[str] | None = None
    generation: str | None = None


@record
class EffectFailed:
    """The effect ended definitely without a result (or with an unknown outcome).

    `definite` True: the callee recorded the failure; a retry of the node uses a new attempt.
    """

    at: float
    key: str
    error: str
    error_type: str
    retryable: bool
    definite: bool = True


@record
class NodeSucceeded:
    """`handle` is the source handle taken ("source" for ordinary nodes). `taken_from` is the run
    that executed the node, None for this one."""

    at: float
    node_id: str
    frame: str
    outputs: dict[str, Value]
    handle: str
    inputs: dict[str, Value]
    process_data: dict[str, Value]
    metadata: dict[str, Value]
    started_at: float
    taken_from: str | None = None


@record
class VariableUpdated:
    """The node gave the variable `selector` (its scope and its name) another value. The success of
    the node stands in the same step."""

    at: float
    node_id: str
    frame: str
    selector: list[str]
    value: Value


@record
class NodeRetryScheduled:
    """Attempt `attempt` failed; the next one begins at instant `due` (Unix seconds)."""

    at: float
    node_id: str
    frame: str
    attempt: int
    due: float
    error: str
    error_type: str
    inputs: dict[str, Value]
    started_at: float


@record
class NodeRetried:
    """The wait is over: attempt `attempt` begins."""

    at: float
    node_id: str
    frame: str
    attempt: int


@record
class NodeFailed:
    """The node's last word is a failure.

    `handled` none: the run fails, or the round of the container around it. fail-branch or
    default-value: `outputs` and `handle` say how it goes on, and the node's status is `exception`.
    `taken_from` as above.
    """

    at: float
    node_id: str
    frame: str
    error: str
    error_type: str
    handled: Literal["none", "fail-branch", "default-value"]
    outputs: dict[str, Value]
    handle: str
    inputs: dict[str, Value]
    process_data: dict[str, Value]
    metadata: dict[str, Value]
    started_at: float
    taken_from: str | None = None


@record
class TextCommitted:
    """Visible text `[from_offset, from_offset + len(text))` in code points; final.

    Always written beside the event that decided it, and derived from it by the response
    coordinator; readers need no fold. `generation` None: static text or a stored value.
    """

    at: float
    from_offset: int
    text: str
    node_id: str
    selector: list[str]
    frame: str = ""
    generation: str | None = None
    final: bool = False


@record
class TextReplaced:
    """A visible generation was lost or failed: text above `from_offset` is withdrawn."""

    at: float
    from_offset: int


@record
class CommandApplied:
    """A command took effect; `command_id` makes it apply once. `reason` is that of an abort or a
    pause, `updates` are [[scope, name, value], ...]."""

    at: float
    command_id: str
    command: Literal[
        "abort", "pause", "resume", "update_variables", "submit_form", "child_finished", "timer_due"
    ]
    reason: str = ""
    updates: list[Value] | None = None


@record
class RunFinished:
    """The one terminal event."""

    at: float
    status: Literal["succeeded", "partial-succeeded", "failed", "stopped"]
    outputs: dict[str, Value]
    error: str | None
    total_tokens: int
    total_steps: int
    exceptions_count: int
    usage: dict[str, Value]


JournalEvent = (
    RunStarted
    | HistoryTaken
    | VariablesGiven
    | NodeStarted
    | ContainerStarted
    | FrameStarted
    | FrameFinished
    | EffectDispatched
    | GenerationStarted
    | EffectCompleted
    | EffectFailed
    | VariableUpdated
    | NodeSucceeded
    | NodeRetryScheduled
    | NodeRetried
    | NodeFailed
    | TextCommitted
    | TextReplaced
    | CommandApplied
    | FormOpened
    | FormClosed
    | ChildStarted
    | RunParked
    | RunResumed
    | RunFinished
)

EVENT_TYPES: tuple[type[JournalEvent], ...] = (
    RunStarted,
    HistoryTaken,
    VariablesGiven,
    NodeStarted,
    ContainerStarted,
    FrameStarted,
    FrameFinished,
    EffectDispatched,
    GenerationStarted,
    EffectCompleted,
    EffectFailed,
    VariableUpdated,
    NodeSucceeded,
    NodeRetryScheduled,
    NodeRetried,
    NodeFailed,
    TextCommitted,
    TextReplaced,
    CommandApplied,
    FormOpened,
    FormClosed,
    ChildStarted,
    RunParked,
    RunResumed,
    RunFinished,
)
