"""The journal events with which a node's changes to variables are made."""

from services.engine.domain.events import journal
from services.engine.domain.execution.node_progress import NodeProgress
from services.engine.domain.node_parts.node_contract import Assigned, NodeFailure
from services.engine.domain.variables.selectors import CONVERSATION
from services.engine.domain.variables.sizes import size_of


def variable_updates(
    progress: NodeProgress, assigned: tuple[Assigned, ...], now: float, *, most_bytes: int
) -> list[journal.VariableUpdated]:
    """Raises NodeFailure where a conversation variable would have more than `most_bytes`."""
    for each in assigned:
        if each.selector[0] == CONVERSATION:
            _check_size(each, most_bytes)
    return [
        journal.VariableUpdated(
            at=now,
            node_id=progress.node_id,
            frame=progress.frame,
            selector=[*each.selector],
            value=each.value,
        )
        for each in assigned
    ]


def _check_size(assigned: Assigned, most: int) -> None:
    size = size_of(assigned.value)
    if size > most:
        name = ".".join(assigned.selector)
        raise NodeFailure(
            f"variable size {size} exceeds limit {most}: {name}", error_type="VariableError"
        )
