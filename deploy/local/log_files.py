"""Bounded log files, one a process."""

import shutil
from collections import deque
from pathlib import Path

MAX_BYTES = 16 * 1024 * 1024
_TAIL_BYTES = 64 * 1024


def rotate(folder: Path, *, max_bytes: int = MAX_BYTES) -> None:
    """Move logs above `max_bytes` to `<name>.log.1`, replacing the one before.

    The file is copied and cut, not renamed, because processes keep it open in append mode; a line
    written between the two steps may be lost.
    """
    for log in folder.glob("*.log"):
        if log.stat().st_size > max_bytes:
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
            with log.open("r+b") as file:
                file.truncate(0)


def last_lines(log: Path, count: int) -> list[str]:
    """Up to `count` last non-empty lines; none when the file does not exist."""
    try:
        with log.open("rb") as file:
            file.seek(max(log.stat().st_size - _TAIL_BYTES, 0))
            text = file.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return list(deque((line for line in text.splitlines() if line.strip()), maxlen=count))
