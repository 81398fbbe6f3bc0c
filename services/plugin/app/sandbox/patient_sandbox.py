"""The sandbox for callers that can wait for a place in it."""

from libs.common.clock import Clock
from services.plugin.app.ports.sandbox import Sandbox, SandboxBusy, SandboxLost
from services.plugin.domain.sandbox.execution import CodeExecution, ExecutionOutcome

_PAUSE_SECONDS = 0.1


class PatientSandbox:
    def __init__(self, sandbox: Sandbox, clock: Clock) -> None:
        self._sandbox = sandbox
        self._clock = clock

    async def run(self, execution: CodeExecution, *, within: float) -> ExecutionOutcome:
        """How `execution` ended.

        A full sandbox is waited for, and a lost execution repeated (code has no outside to affect),
        at most `within` seconds; then SandboxBusy or SandboxLost is raised.
        """
        until = self._clock.monotonic() + within
        while True:
            try:
                return await self._sandbox.run(execution)
            except (SandboxBusy, SandboxLost) as error:
                pause = error.retry_after or _PAUSE_SECONDS
                if self._clock.monotonic() + pause >= until:
                    raise
                await self._clock.sleep(pause)
