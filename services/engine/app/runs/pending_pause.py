"""What was sent to a run before anybody drove it."""

from collections.abc import Sequence

from libs.common.contracts.run_commands import PauseRun, ResumeRun
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
