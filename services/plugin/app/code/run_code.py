"""Run a code node's snippet in the sandbox."""

from libs.common.clock import Clock
from libs.common.contracts.code_execution import CodeCall, CodeResult
from libs.common.tracing import span
from services.plugin.app.ports.sandbox import Sandbox, SandboxBusy, SandboxLost
from services.plugin.domain.sandbox.execution import (
    CodeExecution,
    ExecutionLimits,
    ExecutionOutcome,
)

_PAUSE_SECONDS = 0.1
_LONGEST_WALL_SECONDS = 60.0


class RunCode:
    def __init__(self, *, sandbox: Sandbox, clock: Clock, limits: ExecutionLimits) -> None:
        self._sandbox = sandbox
        self._clock = clock
        self._limits = limits

    async def run(self, call: CodeCall, *, within: float) -> CodeResult:
        """How the snippet ended.

        A full sandbox is waited for, and a lost execution repeated (code has no outside to affect),
        at most `within` seconds; then SandboxBusy or SandboxLost is raised.
        """
        execution = CodeExecution(
            language=call.language, code=call.code, inputs=call.inputs, limits=self._bounds(call)
        )
        until = self._clock.monotonic() + within
        while True:
            try:
                with span("run code", attributes={"heddle.code.language": call.language}):
                    return _result(await self._sandbox.run(execution))
            except (SandboxBusy, SandboxLost) as error:
                pause = error.retry_after or _PAUSE_SECONDS
                if self._clock.monotonic() + pause >= until:
                    raise
                await self._clock.sleep(pause)

    def _bounds(self, call: CodeCall) -> ExecutionLimits:
        if call.wall_seconds is None:
            return self._limits
        wall = min(call.wall_seconds, _LONGEST_WALL_SECONDS)
        return ExecutionLimits(wall_seconds=wall, cpu_seconds=max(int(wall), 1))


def _result(outcome: ExecutionOutcome) -> CodeResult:
    error = outcome.error
    return CodeResult(
        status=outcome.status,
        result=outcome.result,
        stdout=outcome.stdout,
        stderr=outcome.stderr,
        error_type=error.type if error else "",
        error_message=error.message if error else "",
        line=error.line if error else None,
        traceback=error.traceback if error else "",
        limit=outcome.limit,
        cpu_seconds=outcome.usage.cpu_seconds,
        wall_seconds=outcome.usage.wall_seconds,
        peak_memory_bytes=outcome.usage.peak_memory_bytes,
        isolation=outcome.isolation,
    )
