"""Sandboxed code as it crosses the wall between engine and plugin."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue


class CodeCall(BaseModel):
    """Run `main` of `code` with `inputs` as its arguments, isolated by the operating system."""

    model_config = ConfigDict(frozen=True)

    language: Literal["python3", "javascript"]
    code: str
    inputs: dict[str, JsonValue] = {}
    wall_seconds: float | None = None


class CodeResult(BaseModel):
    """How it ended. A user error is a result, not a platform error.

    status `ok`: `result` is what main returned. `error`: the code raised; `error_type` is the
    exception's class and `line` the author's own line. `limit`: stopped by `limit` (cpu, wall,
    memory, processes, output, result, disk).
    """

    model_config = ConfigDict(frozen=True)

    status: Literal["ok", "error", "limit"]
    result: JsonValue = None
    stdout: str = ""
    stderr: str = ""
    error_type: str = ""
    error_message: str = ""
    line: int | None = None
    traceback: str = ""
    limit: str | None = None
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    peak_memory_bytes: int = 0
    isolation: str = ""
