"""The real supervisor and servers with small services, as a process: `python -m ...small_stack`."""

import os
import sys

from deploy.local.layout import Layout
from deploy.local.ports import SERVICES
from deploy.local.stack import run_stack
from deploy.local.startup import StackPrograms

PROGRAMS = StackPrograms(
    migrate=(sys.executable, "-c", "print('nothing to migrate')"),
    services={
        name: (sys.executable, "-m", "tests.support.small_service", name) for name in SERVICES
    },
)

if __name__ == "__main__":
    sys.exit(run_stack(Layout.from_environment(), os.environ, PROGRAMS))
