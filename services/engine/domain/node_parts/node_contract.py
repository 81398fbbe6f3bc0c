"""What every node type implements."""

from abc import abstractmethod
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from services.engine.domain.node_parts.effects import EffectRequest, EffectResult
from services.engine.domain.node_parts.frames import FramesDone, RunFrames
from services.engine.domain.node_parts.offered import Offered
from services.engine.domain.node_parts.variable_reader import VariableReader
from services.engine.domain.variables.record import record
from services.engine.domain.variables.types import ValueType
from services.engine.domain.variables.values import Selector, Value


@record
class NodeContext:
    """All a node may know: its id, the variables, and the run's pinned values."""

    node_id: str
    variables: VariableReader
    inputs: Mapping[str, Value]
    history: tuple[tuple[str, str], ...] = ()


@record
class Assigned:
    """A variable that gets another value. `selector` is its scope and its name."""

    selector: Selector
    value: Value


@record
class NodeResult:
    """A success. `handle` names the branch taken, `assigned` the variables that are changed before
    anything follows."""

    outputs: dict[str, Value] = field(default_factory=dict[str, Value])
    handle: str = "source"
    inputs: dict[str, Value] = field(default_factory=dict[str, Value])
    process_data: dict[str, Value] = field(default_factory=dict[str, Value])
    metadata: dict[str, Value] = field(default_factory=dict[str, Value])
    assigned: tuple[Assigned, ...] = ()


class NodeFailure(Exception):
    """A failure of the node itself. `message` and `error_type` are shown to the graph (outputs
    `error_message` and `error_type`), `told` to people: the node's and the run's error."""

    def __init__(
        self,
        message: str,
        *,
        error_type: str = "WorkflowNodeError",
        told: str | None = None,
        inputs: dict[str, Value] | None = None,
        process_data: dict[str, Value] | None = None,
        outputs: dict[str, Value] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.told = message if told is None else told
        self.error_type = error_type
        self.inputs = inputs or {}
        self.process_data = process_data or {}
        self.outputs = outputs or {}


Sent = EffectResult | tuple[EffectResult, ...] | FramesDone
"""What a generator is sent for what it asked."""

NodeRun = Generator[
    EffectRequest | tuple[EffectRequest, ...] | RunFrames,
    # A generator is sent what it asked for: one result, or a tuple of them in order. Python's
    # Generator has one send type for all yields, so nodes narrow it with `expect`.
    Sent,
    NodeResult,
]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSegment:
    """A piece of a response template: literal text, or the selector of a variable."""

    text: str = ""
    selector: Selector | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A finding of a node's own validation; `severity` error forbids running."""

    code: str
    message: str
    field: str | None = None
    severity: Literal["error", "warning"] = "error"


OutputTypes = Mapping[str, ValueType | None]
"""Names of outputs with their types; None for a type that only a run can tell."""


class DeclaresOutputs(Offered):
    """A node that knows before a run which outputs it will have: all of them, unless it is one of
    `BringsOthers`."""

    __slots__ = ()

    @property
    @abstractmethod
    def output_types(self) -> OutputTypes: ...


class BringsOthers(DeclaresOutputs):
    """A node whose declared outputs stand beside others that only a run can tell."""

    __slots__ = ()

    @abstractmethod
    def doubts(self, name: str) -> str | None:
        """What to say before a run of a selector to the output `name`, which is not declared."""
        ...


class Node(Protocol):
    """A compiled node: parsed once per workflow version, immutable, shared by all runs."""

    @property
    def references(self) -> tuple[Selector, ...]:
        """Every variable the node reads, for validation."""
        ...

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with its configuration; empty when it can run."""
        ...

    def run(self, context: NodeContext) -> NodeRun:
        """Execute. Deterministic: the same context and results give the same requests and result.

        Raises NodeFailure; an EffectError that is not caught fails the node with its type.
        """
        ...


VariableTypes = Mapping[Selector, ValueType]
"""The types that variables were declared with, by their scope and name."""


class DeclaresVariables(Offered):
    """A node with variables of its own that others may change."""

    __slots__ = ()

    @property
    @abstractmethod
    def variable_types(self) -> VariableTypes: ...


class AssignsVariables(Offered):
    """A node that changes variables of others."""

    __slots__ = ()

    @property
    @abstractmethod
    def targets(self) -> tuple[Selector, ...]:
        """The variables that it may change."""
        ...

    @abstractmethod
    def knowing(self, types: VariableTypes) -> Node:
        """The same node, told the types of what it may change."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeType:
    """One line of the catalogue.

    `execution`: root starts a run, branch chooses a handle, response shows text, container runs
    frames, marker is where a frame begins, break ends the loop that it belongs to. `parse` takes
    the node's id and `data` mapping and never raises: what is wrong becomes a Problem.
    `response_template` gives the segments a response node shows (None for the others).
    """

    type: str
    execution: Literal["root", "executable", "branch", "response", "container", "marker", "break"]
    parse: "NodeParser"
    retryable: bool = False
    # The data of an imported node is whatever the file holds; each parser checks what it reads.
    response_template: "ResponseTemplate | None" = None


class NodeParser(Protocol):
    def __call__(self, node_id: str, data: Mapping[str, Any]) -> Node: ...


class ResponseTemplate(Protocol):
    def __call__(self, data: Mapping[str, Any]) -> tuple[OutputSegment, ...]: ...
