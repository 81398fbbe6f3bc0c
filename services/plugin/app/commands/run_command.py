"""Run a command node's line in the sandbox."""

import base64
import binascii
from typing import cast

from pydantic import JsonValue

from libs.common.contracts.command_execution import CommandCall, CommandResult, LeftFile
from libs.common.contracts.envelope import Envelope
from libs.common.stored_files import FileTooDemanding
from libs.common.tracing import span
from services.plugin.app.files.keep_file import KeepFile
from services.plugin.app.files.load_file import LoadFile
from services.plugin.app.sandbox.patient_sandbox import PatientSandbox
from services.plugin.domain.sandbox.execution import (
    MEBIBYTE,
    CodeExecution,
    ExecutionLimits,
    ExecutionOutcome,
)

_LONGEST_WALL_SECONDS = 60.0
_DEFAULT_WALL_SECONDS = 10.0
_MOST_PLACED = 16 * MEBIBYTE
# Each process of the line has this memory for itself, and there are at most so many.
_MEMORY_BYTES = 64 * MEBIBYTE
_PROCESSES = 16


class RunCommand:
    def __init__(
        self,
        *,
        load: LoadFile,
        keep: KeepFile,
        sandbox: PatientSandbox,
    ) -> None:
        self._load = load
        self._keep = keep
        self._sandbox = sandbox

    async def run(self, call: CommandCall, *, envelope: Envelope, within: float) -> CommandResult:
        """How the line ended; files that it made or changed are in the object store.

        Raises what LoadFile raises, FileTooDemanding when the files have more than 16 MiB
        together, and SandboxBusy, SandboxLost or SandboxRefused.
        """
        placed: dict[str, JsonValue] = {}
        left = _MOST_PLACED
        for file in call.files:
            loaded = await self._load.run(file.source, envelope=envelope)
            left -= len(loaded.content)
            if left < 0:
                raise FileTooDemanding(f"a command takes at most {_MOST_PLACED} bytes of files")
            placed[file.path] = base64.b64encode(loaded.content).decode()
        variables = cast("dict[str, JsonValue]", dict(call.variables))
        execution = CodeExecution(
            language="command",
            code=call.line,
            inputs={"files": placed, "variables": variables},
            limits=_limits(call.wall_seconds),
            tenant_id=envelope.tenant_id,
        )
        with span("run command"):
            outcome = await self._sandbox.run(execution, within=within)
        return await self._result(outcome, envelope)

    async def _result(self, outcome: ExecutionOutcome, envelope: Envelope) -> CommandResult:
        shape = CommandResult(
            status=outcome.status,
            stdout=outcome.stdout,
            stderr=outcome.stderr,
            error_message=outcome.error.message if outcome.error else "",
            limit=outcome.limit,
            wall_seconds=outcome.usage.wall_seconds,
        )
        report = outcome.result
        if not isinstance(report, dict):
            return shape
        made = report.get("files")
        files = [
            await self._kept(path, _decoded(content), envelope)
            for path, content in (made if isinstance(made, dict) else {}).items()
        ]
        code = report.get("exit_code")
        return shape.model_copy(
            update={"exit_code": code if isinstance(code, int) else None, "files": tuple(files)}
        )

    async def _kept(self, path: str, content: bytes, envelope: Envelope) -> LeftFile:
        name = path.rpartition("/")[2]
        kept = await self._keep.run(
            "command", content, envelope=envelope, filename=name, mime_type=""
        )
        return LeftFile(path=path, object_key=kept.object_key, size=len(content), url=kept.url)


def _limits(wall_seconds: float | None) -> ExecutionLimits:
    wall = min(wall_seconds or _DEFAULT_WALL_SECONDS, _LONGEST_WALL_SECONDS)
    return ExecutionLimits(
        wall_seconds=wall,
        cpu_seconds=max(int(wall), 1),
        memory_bytes=_MEMORY_BYTES,
        processes=_PROCESSES,
    )


def _decoded(content: JsonValue) -> bytes:
    try:
        return base64.b64decode(str(content))
    except binascii.Error:
        return b""
