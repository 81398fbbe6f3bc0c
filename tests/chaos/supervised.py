"""The local stack as `make run` starts it, with a second engine and a second backend beside."""

import os
import sys

from deploy.local.layout import Layout
from deploy.local.ports import SERVICES
from deploy.local.stack import run_stack
from deploy.local.startup import StackPrograms

SECOND = "-2"
PORTS = {
    f"{service}{SECOND}": f"HEDDLE_CHAOS_SECOND_{service.upper()}_PORT"
    for service in ("engine", "backend")
}
"""By the name of a second process, the variable that says where it listens."""


def _command(name: str) -> tuple[str, ...]:
    service = name.removesuffix(SECOND)
    command = (sys.executable, "-m", f"services.{service}.main")
    if name not in PORTS:
        return command
    return ("/usr/bin/env", f"HEDDLE_{service.upper()}_PORT={os.environ[PORTS[name]]}", *command)


if __name__ == "__main__":
    programs = StackPrograms(services={name: _command(name) for name in (*SERVICES, *PORTS)})
    sys.exit(run_stack(Layout.from_environment(), os.environ, programs))
