"""What a container asks for: rounds of the nodes inside it, each in a frame of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from services.engine.domain.node_parts.variable_reader import VariableReader
from services.engine.domain.variables.record import record
from services.engine.domain.variables.values import Selector, Value

Enough = Callable[[VariableReader, int], bool]
"""Asked before a round begins, with the variables and how many rounds have ended: no more? Asked
only while no round is under way. Raises NodeFailure."""


def never_enough(_variables: VariableReader, _done: int) -> bool:
    """Every round takes place."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFrames:
    """`length` rounds, at most `width` of them at once, beginning in the order of their index.

    An iteration gives each round one of `items` and variables of its own; the rounds of a loop
    share those of the nodes around them, and `variables` are put there, under the container's id,
    before the first. `output` is read where a round of an iteration ends well. With
    `stops_at_failure` no round begins after one that failed.
    """

    container: Literal["iteration", "loop"]
    length: int
    width: int = 1
    items: list[Value] | None = None
    variables: Mapping[str, Value]
    output: Selector | None = None
    stops_at_failure: bool = True
    enough: Enough = never_enough


@record
class FrameFailure:
    """Why a round failed; `error_type` is what the graph is shown."""

    error: str
    error_type: str


@record
class FramesDone:
    """`rounds` took place; `outputs`, `failures` and `seconds` are by their index."""

    rounds: int
    outputs: Mapping[int, Value]
    failures: Mapping[int, FrameFailure]
    seconds: Mapping[int, float]
    total_tokens: int
