"""Room for the stack's data."""

import shutil
from pathlib import Path

from deploy.local.stack_error import LocalStackError

NEEDED_BYTES = 256 * 1024 * 1024


def require_space(folder: Path, needed: int = NEEDED_BYTES) -> None:
    """Raises LocalStackError when fewer than `needed` bytes are free at `folder`."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise LocalStackError(
            f"Only {free >> 20} MiB are free at {folder}; {needed >> 20} MiB are needed.",
            remedy="Free some space, or set HEDDLE_STATE_DIR to a folder on another disk.",
        )
