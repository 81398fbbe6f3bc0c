"""What runs below a process, read from /proc."""

import contextlib
import os
import select
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path


def descendants(root: int) -> list[int]:
    """Process ids of everything that descends from `root`, without it."""
    parents = {int(entry.name): _parent(entry) for entry in Path("/proc").glob("[0-9]*")}
    found: list[int] = []
    pending = [root]
    while pending:
        current = pending.pop()
        children = [pid for pid, parent in parents.items() if parent == current]
        found += children
        pending += children
    return found


def started_since(before: Iterable[int]) -> list[int]:
    """What descends from children of ours that are not among `before`, with them.

    Whatever else of ours ran already, such as a session's servers, is left out with all it starts.
    """
    known = set(before)
    ours = os.getpid()
    children = [pid for pid in descendants(ours) if pid not in known]
    new = [pid for pid in children if _parent(Path(f"/proc/{pid}")) == ours]
    return [*new, *(pid for child in new for pid in descendants(child))]


def user_ids(pid: int) -> set[int]:
    """Real, effective, saved and filesystem user id; empty when the process is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return set()
    for line in status.splitlines():
        if line.startswith("Uid:"):
            return {int(each) for each in line.split()[1:]}
    return set()


def environments(pids: Iterable[int]) -> list[bytes]:
    """What environment each of them holds, of those that still are."""
    found: list[bytes] = []
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            found.append(Path(f"/proc/{pid}/environ").read_bytes())
    return found


def count_descriptors() -> int:
    """How many descriptors this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def start_program(arguments: list[str]) -> subprocess.Popen[bytes]:
    """A program whose stdout is a pipe."""
    return subprocess.Popen(arguments, stdout=subprocess.PIPE)


def open_handles(pids: Iterable[int]) -> list[int]:
    """A descriptor per process that tells of its end, whoever reaps it."""
    found: list[int] = []
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            found.append(os.pidfd_open(pid))
    return found


def all_end(handles: list[int], seconds: float) -> bool:
    """Whether all of them end within `seconds`."""
    deadline = time.monotonic() + seconds
    ended = [
        bool(select.select([handle], [], [], max(deadline - time.monotonic(), 0))[0])
        for handle in handles
    ]
    for handle in handles:
        os.close(handle)
    return all(ended)


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return -1
