"""Which core a process of a benchmark runs on."""

import os

SERVERS = 0
ENGINE = 1


def pin(core: int) -> None:
    """Keep this process, and what it starts from now on, on one core; without effect on a machine
    that has too few."""
    if core < (os.cpu_count() or 1):
        os.sched_setaffinity(0, {core})
