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
_MOST_NESTED = 100
"""Lists and objects inside each other. What carries a result further gives up at 200."""

_TOO_DEEP = f"main returned lists or objects nested more than {_MOST_NESTED} deep"
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
    """The report in `raw`, None when there is none that makes sense. A result that cannot be
    carried further is the code's error."""
    try:
        # json keeps ints of any size and tells 1 from 1.0, which is why pydantic does not parse.
        report = GuestReport.model_validate(json.loads(raw, parse_constant=_refuse_constant))
    except (ValueError, RecursionError, ValidationError):
        return None
    if raw.count(b"[") + raw.count(b"{") > _MOST_NESTED and _is_too_deep(report.result):
        return _invalid(_TOO_DEEP)
    return _in_unicode(report) if b"\\u" in raw else report


def _invalid(message: str) -> GuestReport:
    return GuestReport(status="error", type="InvalidResult", message=message)


def _is_too_deep(result: JsonValue) -> bool:
    level: list[JsonValue] = [result]
    for _ in range(_MOST_NESTED + 1):
        inner: list[JsonValue] = []
        for each in level:
            if isinstance(each, list):
                inner.extend(each)
            elif isinstance(each, dict):
                inner.extend(each.values())
        level = inner
    return bool(level)


def _in_unicode(report: GuestReport) -> GuestReport:
    """An escaped lone surrogate would be text that no database or socket takes."""
    try:
        json.dumps(report.model_dump(), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        if report.status == "ok":
            return _invalid("main returned text that is not valid Unicode (a lone surrogate)")
        return GuestReport(
            status=report.status,
            type=_spoken(report.type),
            message=_spoken(report.message),
            line=report.line,
            limit=report.limit,
        )
    return report


def _spoken(text: str) -> str:
    return text.encode(errors="replace").decode()


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
