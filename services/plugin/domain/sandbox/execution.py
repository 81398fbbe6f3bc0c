"""What is asked of the sandbox, and what it answers."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from uuid import UUID

from pydantic import JsonValue

Language: TypeAlias = Literal["python3", "javascript", "command"]
Isolation: TypeAlias = Literal["bwrap", "landlock"]
Status: TypeAlias = Literal["ok", "error", "limit"]
LimitName: TypeAlias = Literal["cpu", "wall", "memory", "processes", "output", "result", "disk"]

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionLimits:
    """What one execution may use. Times are in seconds, sizes in bytes.

    `processes` counts the threads of the execution and one for its keeper. `file_bytes` bounds
    one file, `disk_bytes` all of the scratch folder /tmp. `output_bytes` bounds stdout and stderr
    together, `result_bytes` the JSON text of what `main` returned. CPU time is counted in whole
    seconds.
    """

    cpu_seconds: int = 5
    wall_seconds: float = 10.0
    memory_bytes: int = 256 * MEBIBYTE
    processes: int = 32
    file_bytes: int = 16 * MEBIBYTE
    disk_bytes: int = 32 * MEBIBYTE
    output_bytes: int = 256 * 1024
    result_bytes: int = 4 * MEBIBYTE

    def __post_init__(self) -> None:
        if min(self.cpu_seconds, self.processes) < 1 or self.wall_seconds <= 0:
            raise ValueError("cpu_seconds, processes and wall_seconds must be positive")
        if self.memory_bytes < 64 * MEBIBYTE:
            raise ValueError("memory_bytes must be at least 64 MiB, which an interpreter needs")
        if min(self.file_bytes, self.disk_bytes, self.output_bytes, self.result_bytes) < 4096:
            raise ValueError("file, disk, output and result bytes must be at least 4096")


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeExecution:
    """Code that defines `main`, and its inputs.

    Python is called as `main(**inputs)`; JavaScript as `main(inputs)`, so that users may write
    `function main({a, b})`. A promise that `main` returns is awaited. A command is one shell line:
    its inputs are `files` (path: base64) and `variables` of its environment, its result is its
    `exit_code` and the `files` that it made or changed. Tenants take turns: `tenant_id` says for
    whom it runs.
    """

    language: Language
    code: str
    inputs: dict[str, JsonValue]
    limits: ExecutionLimits = field(default_factory=ExecutionLimits)
    tenant_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxError:
    """Why the code failed. `line` counts from 1 in the user's own code, None when unknown.

    `type` is the class name of the exception, or one of MainNotFound, MainNotCallable, NoResult,
    InvalidResult, Crashed and ForbiddenSystemCall. `traceback` shows only the user's own frames.
    """

    type: str
    message: str
    line: int | None = None
    traceback: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the execution used, measured from outside it."""

    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0
    wall_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionOutcome:
    """How an execution ended.

    `result` is what `main` returned when `status` is "ok", else None. `error` is set unless the
    status is "ok". `limit` names the limit that ended a "limit" execution.
    """

    status: Status
    isolation: Isolation
    result: JsonValue | None = None
    stdout: str = ""
    stderr: str = ""
    error: SandboxError | None = None
    limit: LimitName | None = None
    usage: Usage = field(default_factory=Usage)
