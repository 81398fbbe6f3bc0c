"""The life of one stack, from taking the lock to the last process gone."""

import errno
from collections.abc import Mapping

from deploy.local.layout import Layout
from deploy.local.orphans import adopt_orphans
from deploy.local.port_claims import PortClaims
from deploy.local.stack_error import LocalStackError
from deploy.local.stack_status import Phase
from deploy.local.startup import StackPrograms, bring_up
from deploy.local.supervisor import StopRequested, Supervisor
from deploy.local.supervisor_lock import AlreadyHeld, SupervisorLock
from deploy.local.wake_up import WakeUp
from libs.common.clock import SystemClock


def run_stack(layout: Layout, environ: Mapping[str, str], programs: StackPrograms) -> int:
    """Run the stack until SIGTERM; call it in the main thread of a process of its own.

    Returns 0 after a clean stop or when another supervisor has the folder, 1 when the stack could
    not be started.
    """
    layout.create()
    try:
        with SupervisorLock(layout):
            return _supervise(layout, environ, programs)
    except AlreadyHeld:
        return 0


def _supervise(layout: Layout, environ: Mapping[str, str], programs: StackPrograms) -> int:
    wake_up = WakeUp()
    wake_up.install()
    adopt_orphans()
    supervisor = Supervisor(
        clock=SystemClock(), wake_up=wake_up, logs=layout.logs, status=layout.status
    )
    failure: str | None = None
    try:
        with PortClaims() as claims:
            bring_up(supervisor, layout, environ, programs, claims)
            supervisor.watch()
    except StopRequested:
        pass
    except LocalStackError as error:
        failure = error.message
    except OSError as error:
        failure = _explained(error, layout)
    supervisor.announce(Phase.STOPPING, failure or "")
    supervisor.stop_all()
    supervisor.announce(Phase.FAILED if failure else Phase.STOPPED, failure or "")
    return 1 if failure else 0


def _explained(error: OSError, layout: Layout) -> str:
    if error.errno == errno.ENOSPC:
        return f"No space is left at {layout.root}. Free some and start again."
    return f"{error}. Check the rights of {layout.root}."
