"""What the operator may set about the sandbox."""

import os
from dataclasses import dataclass
from pathlib import Path

from services.plugin.domain.sandbox.execution import Isolation


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """How the sandbox runs.

    `strongest` and `minimum` bound which isolation is tried; `start` refuses below `minimum`.
    `uid` is the unprivileged user and group id that a service running as root drops to.
    `cache_folder` receives the Node binary and the guest's files, readable by everyone; where it
    cannot be written, a temporary folder takes its place. `idle_*` are the jailed processes kept
    warm; `max_parallel` executions run at once and `max_queued` more wait, of one tenant at most
    `max_queued_each`. After `recycle_after` executions the process they are forked from is
    replaced. `start_seconds` bounds its start.
    """

    strongest: Isolation = "bwrap"
    minimum: Isolation = "landlock"
    uid: int = 64017
    cache_folder: Path = Path("/var/cache/heddle")
    idle_python: int = 4
    idle_javascript: int = 2
    max_parallel: int = max(4, 2 * (os.cpu_count() or 2))
    max_queued: int = 1024
    max_queued_each: int = 256
    recycle_after: int = 2000
    start_seconds: float = 10.0
