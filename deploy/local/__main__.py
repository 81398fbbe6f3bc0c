"""The supervisor process: `python -m deploy.local`."""

import os
import sys

from deploy.local.layout import Layout
from deploy.local.stack import run_stack
from deploy.local.startup import StackPrograms

if __name__ == "__main__":
    sys.exit(run_stack(Layout.from_environment(), os.environ, StackPrograms()))
