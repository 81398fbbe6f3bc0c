"""Where the debug log of runs goes: to the process's log."""

from collections.abc import Mapping

import structlog


def write_run_event(line: Mapping[str, object]) -> None:
    """One line, at level info: who asked for it wants to read it."""
    structlog.get_logger("heddle.runs").info("run event", **line)
