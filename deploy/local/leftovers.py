"""Processes that outlived a supervisor which was killed."""

import signal

import psutil

from deploy.local.stack_status import StackStatus

_GRACE_SECONDS = 15.0


def leftovers(status: StackStatus | None) -> dict[str, psutil.Process]:
    """The living processes that `status` names and that still are the same ones, by name.

    A process with a recorded pid but another birth is a stranger.
    """
    found: dict[str, psutil.Process] = {}
    for told in status.processes if status else ():
        if told.pid is None:
            continue
        try:
            process = psutil.Process(told.pid)
            alive = process.status() != psutil.STATUS_ZOMBIE
            if alive and process.create_time() == told.born:
                found[told.name] = process
        except psutil.NoSuchProcess:
            continue
    return found


def stop_leftovers(status: StackStatus | None) -> list[str]:
    """End the `leftovers`; their names."""
    found = leftovers(status)
    for process in found.values():
        # SIGINT for Postgres: on SIGTERM it waits for its clients.
        _signal(process, signal.SIGINT)
    _, alive = psutil.wait_procs(list(found.values()), timeout=_GRACE_SECONDS)
    for process in alive:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=_GRACE_SECONDS)
    return list(found)


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
