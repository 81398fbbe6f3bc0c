"""What was sent to a run before anybody drove it."""

from collections.abc import Sequence

from libs.common.contracts.run_commands import AbortRun, PauseRun, ResumeRun
from services.engine.app.ports.command_store import StoredCommand


def pending_pause(commands: Sequence[StoredCommand]) -> PauseRun | None:
    """The pause that no later command lifts: it holds before anything is begun."""
    found: PauseRun | None = None
    for command in commands:
        if isinstance(command, PauseRun):
            found = command
        elif isinstance(command, ResumeRun):
            found = None
    return found


def pending_abort(commands: Sequence[StoredCommand]) -> AbortRun | None:
    """The first abort: a run that has not begun ends with it and begins nothing."""
    return next((command for command in commands if isinstance(command, AbortRun)), None)
