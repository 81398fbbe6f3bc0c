"""A whole run at one place in its journal: restored, it folds the rest as if it had folded all."""

from services.engine.domain.execution.public_events import ViewSnapshot
from services.engine.domain.execution.state_snapshot import StateSnapshot
from services.engine.domain.execution.step_writer import WriterSnapshot
from services.engine.domain.variables.record import record

FOLD_VERSION = 8
"""Raise it with any change to what folding builds, to how a workflow's nodes and edges are
numbered, or to the shape of a snapshot: what an older version stored is then left alone."""


@record
class MachineSnapshot:
    """The part that goes on executing."""

    state: StateSnapshot
    writer: WriterSnapshot


@record
class RunSnapshot:
    """Everything up to and including the event numbered `seq`."""

    seq: int
    machine: MachineSnapshot
    view: ViewSnapshot
