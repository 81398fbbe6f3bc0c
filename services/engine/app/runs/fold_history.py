"""Taking a run over: what is stored of it becomes a machine and a view, or a reason to stop."""

from services.engine.app.runs.run_history import RunHistory
from services.engine.app.runs.stopped import Stopped
from services.engine.app.runs.told_steps import ToldSteps
from services.engine.domain.execution.incompatible_history import IncompatibleHistory
from services.engine.domain.execution.run_machine import RunMachine


class Misled(Exception):
    """What was restored is not what folding would have built."""


def fold_history(machine: RunMachine, told: ToldSteps, history: RunHistory) -> int:
    """Both are new. Returns the number of the run's next event."""
    seq = 0
    if history.snapshot is not None:
        seq = history.snapshot.seq
        machine.restore(history.snapshot.machine)
        told.restore(history.snapshot.view, seq)
    for seq, event in history.entries:
        machine.fold(event)
        told.fold(seq, event)
    return seq + 1


def judged(error: BaseException) -> tuple[Stopped, str]:
    """How a run stops that met `error`, and what is kept as evidence."""
    if isinstance(error, Misled):
        return Stopped.MISLED, ""
    if isinstance(error, IncompatibleHistory):
        return Stopped.INCOMPATIBLE, f"{error.code}: {error.message}"
    return Stopped.FAULT, f"{type(error).__name__}: {error}"
