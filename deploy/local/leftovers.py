"""Processes that outlived a supervisor which was killed."""

import signal

import psutil

from deploy.local.stack_status import StackStatus

_GRACE_SECONDS = 15.0


def stop_leftovers(status: StackStatus | None) -> list[str]:
    """End the processes that `status` names and that still are the same ones.

    Returns their names. A process with a recorded pid but another birth is a stranger.
    """
    found: dict[psutil.Process, str] = {}
    for told in status.processes if status else ():
        if told.pid is None:
            continue
        try:
            process = psutil.Process(told.pid)
            if process.create_time() == told.born:
                found[process] = told.name
        except psutil.NoSuchProcess:
            continue
    for process in found:
        # SIGINT for Postgres: on SIGTERM it waits for its clients.
        _signal(process, signal.SIGINT)
    _, alive = psutil.wait_procs(list(found), timeout=_GRACE_SECONDS)
    for process in alive:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=_GRACE_SECONDS)
    return list(found.values())


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
