"""Run a code node's snippet in the sandbox."""

from uuid import UUID

from libs.common.contracts.code_execution import CodeCall, CodeResult
from libs.common.tracing import span
from services.plugin.app.sandbox.patient_sandbox import PatientSandbox
from services.plugin.domain.sandbox.execution import (
    CodeExecution,
    ExecutionLimits,
    ExecutionOutcome,
)

_LONGEST_WALL_SECONDS = 60.0


class RunCode:
    def __init__(self, *, sandbox: PatientSandbox, limits: ExecutionLimits) -> None:
        self._sandbox = sandbox
        self._limits = limits

    async def run(self, call: CodeCall, *, tenant_id: UUID | None, within: float) -> CodeResult:
        """How the snippet ended. Raises SandboxBusy or SandboxLost after `within` seconds."""
        execution = CodeExecution(
            language=call.language,
            code=call.code,
            inputs=call.inputs,
            limits=self._bounds(call),
            tenant_id=tenant_id,
        )
        with span("run code", attributes={"heddle.code.language": call.language}):
            return _result(await self._sandbox.run(execution, within=within))

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
