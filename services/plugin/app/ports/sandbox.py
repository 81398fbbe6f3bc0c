"""Where untrusted code runs."""

from typing import Protocol

from libs.common.errors import Busy, PlatformFault, Unavailable
from services.plugin.domain.sandbox.execution import CodeExecution, ExecutionOutcome


class SandboxBusy(Busy):
    """The sandbox's queue is full; repeat after `retry_after` seconds."""

    code = "sandbox_busy"
    title = "The code sandbox is overloaded"


class SandboxLost(Unavailable):
    """The process that ran the code vanished, not by the code's own fault. Nothing was returned."""

    code = "sandbox_lost"
    title = "The code sandbox lost an execution"


class SandboxRefused(PlatformFault):
    """This machine cannot isolate code as strongly as the settings demand."""

    code = "sandbox_refused"
    title = "The code sandbox refuses to start"
    retryable = False


class Sandbox(Protocol):
    """Runs code without the host's files, network, environment or processes."""

    async def start(self) -> None:
        """Find the strongest isolation and warm the pools. Raises SandboxRefused."""
        ...

    async def run(self, execution: CodeExecution) -> ExecutionOutcome:
        """Run `execution` to its end or its limits.

        The user's failures are outcomes. Raises InvalidInput for inputs that JSON cannot hold,
        SandboxRefused for a command where there are no namespaces,
        SandboxBusy when the queue is full and SandboxLost when the runner itself died.
        """
        ...

    async def close(self) -> None:
        """End every execution and process. Idempotent."""
        ...

    @property
    def isolation(self) -> str:
        """ "bwrap" or "landlock": what `start` found."""
        ...
