"""What the supervisor tells about itself, in a file that anybody may read at any moment."""

from enum import StrEnum
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict, ValidationError

from deploy.local.private_file import write_private


class Phase(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class ProcessStatus(BaseModel):
    """One process. `pid` is None while it is not running; `born` tells it from a later process
    with the same pid; `last_exit` is its latest exit code, negative for a signal."""

    model_config = ConfigDict(frozen=True)

    name: str
    pid: int | None = None
    born: float | None = None
    restarts: int = 0
    last_exit: int | None = None


class StackStatus(BaseModel):
    """`supervisor` is the teller's pid; `message` is what is under way, or why it failed."""

    model_config = ConfigDict(frozen=True)

    supervisor: int
    phase: Phase
    message: str = ""
    processes: tuple[ProcessStatus, ...] = ()


def save_status(path: Path, status: StackStatus) -> None:
    write_private(path, status.model_dump_json(indent=2) + "\n")


def load_status(path: Path) -> StackStatus | None:
    """The last status told; None when there is none."""
    try:
        return StackStatus.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def birth(pid: int) -> float | None:
    """When the process started, in Unix seconds; None when it is gone."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return None
