"""The report that the guest writes about its run, and its parsing.

The guest shares its process with the user's code, so every byte here is untrusted: whatever does
not parse is an invalid report, never an exception.
"""

import json
import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SkipValidation, ValidationError

from services.plugin.domain.sandbox.execution import LimitName, SandboxError

CODE_NAME = "<code>"
_MAX_MESSAGE = 8192
_MAX_TRACEBACK = 16384
_JAVASCRIPT_FRAME = re.compile(r"^\s+at .*?<code>:(\d+)(?::\d+)?\)?$", re.MULTILINE)
_JAVASCRIPT_SYNTAX = re.compile(r"^<code>:(\d+)\n")


class Frame(BaseModel):
    """One frame of the user's own code."""

    model_config = ConfigDict(frozen=True)

    line: int
    function: str = ""
    text: str = ""


class GuestReport(BaseModel):
    """What the guest says about the run.

    `stack` is V8's own stack text; Python sends `frames` and `line` instead.
    """

    model_config = ConfigDict(frozen=True)

    status: Literal["ok", "error", "limit"]
    # What json.loads made is JSON already; checking a large result again would cost more than it.
    result: SkipValidation[JsonValue] = None
    type: str = "Error"
    message: str = ""
    line: int | None = None
    frames: tuple[Frame, ...] = Field(default=(), max_length=64)
    stack: str = ""
    limit: LimitName | None = None


def parse_report(raw: bytes) -> GuestReport | None:
    """The report in `raw`, None when there is none that makes sense."""
    try:
        # json keeps ints of any size and tells 1 from 1.0, which is why pydantic does not parse.
        document = json.loads(raw, parse_constant=_refuse_constant)
        if b"\\u" in raw:
            # An escaped lone surrogate would be text that no database or socket takes.
            json.dumps(document, ensure_ascii=False).encode()
        return GuestReport.model_validate(document)
    except (ValueError, RecursionError, ValidationError):
        return None


def error_of(report: GuestReport) -> SandboxError:
    """The user's error, with line numbers in the user's own code."""
    if report.stack:
        line, traceback = _javascript_trace(report)
    else:
        line, traceback = report.line, _python_trace(report)
    return SandboxError(
        type=report.type[:200],
        message=report.message[:_MAX_MESSAGE],
        line=line,
        traceback=traceback[:_MAX_TRACEBACK],
    )


def _python_trace(report: GuestReport) -> str:
    lines: list[str] = []
    for frame in report.frames:
        lines.append(f'  File "{CODE_NAME}", line {frame.line}, in {frame.function}')
        if frame.text:
            lines.append(f"    {frame.text.strip()}")
    last = f"{report.type}: {report.message}" if report.message else report.type
    return "\n".join(["Traceback (most recent call last):", *lines, last] if lines else [last])


def _javascript_trace(report: GuestReport) -> tuple[int | None, str]:
    title = f"{report.type}: {report.message}" if report.message else report.type
    if syntax := _JAVASCRIPT_SYNTAX.match(report.stack):
        excerpt = report.stack.split("\n\n")[0]
        return int(syntax[1]), f"{excerpt}\n{title}"
    frames = list(_JAVASCRIPT_FRAME.finditer(report.stack))
    line = int(frames[0][1]) if frames else report.line
    return line, "\n".join([title, *(frame[0] for frame in frames)])


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
