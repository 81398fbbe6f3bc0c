"""From what was seen of an execution to its outcome."""

from typing import assert_never

from services.plugin.domain.sandbox.execution import (
    ExecutionLimits,
    ExecutionOutcome,
    Isolation,
    LimitName,
    SandboxError,
    Usage,
)
from services.plugin.domain.sandbox.observation import Observation
from services.plugin.domain.sandbox.report import GuestReport, error_of, parse_report

# The kernel holds CPU limits against ticks it sampled, and reports the time it measured; on a busy
# machine they differ widely. Nothing but that limit and the out-of-memory killer sends SIGKILL.
_CPU_SHARE = 0.5
_OUT_OF_MEMORY = (b"out of memory", b"Out of memory", b"Allocation failed", b"bad_alloc")


def judge(seen: Observation, limits: ExecutionLimits, isolation: Isolation) -> ExecutionOutcome:
    """The outcome of an execution. Pure: the same observation always gets the same verdict."""
    usage = Usage(
        cpu_seconds=round(seen.end.cpu_seconds, 4),
        peak_memory_bytes=seen.end.peak_memory_bytes,
        wall_seconds=round(seen.wall_seconds, 4),
    )
    report = parse_report(seen.report) if seen.report and not seen.overflow else None
    limit = _limit_of(seen, report, limits)
    error = _error_of(seen, report, limit, limits)
    return ExecutionOutcome(
        status="limit" if limit else "error" if error else "ok",
        isolation=isolation,
        result=report.result if report and error is None else None,
        stdout=seen.stdout.decode("utf-8", "replace"),
        stderr=seen.stderr.decode("utf-8", "replace"),
        error=error,
        limit=limit,
        usage=usage,
    )


def _limit_of(
    seen: Observation, report: GuestReport | None, limits: ExecutionLimits
) -> LimitName | None:
    if seen.overflow is not None:
        return seen.overflow
    if report is not None:
        # A complete report outweighs the manner of the process's death after it.
        return report.limit if report.status == "limit" else None
    out_of_memory = any(mark in seen.stderr[-8192:] for mark in _OUT_OF_MEMORY)
    match seen.end.signal_name:
        case "SIGXCPU":
            return "cpu"
        case "SIGXFSZ":
            return "disk"
        case "SIGKILL":
            spent = seen.end.cpu_seconds >= limits.cpu_seconds * _CPU_SHARE
            return "cpu" if spent else "memory"
        case _:
            return "memory" if out_of_memory and seen.end.exit_code != 0 else None


def _error_of(
    seen: Observation,
    report: GuestReport | None,
    limit: LimitName | None,
    limits: ExecutionLimits,
) -> SandboxError | None:
    if limit is not None:
        return _limit_error(limit, limits, report)
    if report is None:
        return _silent_end(seen)
    return None if report.status == "ok" else error_of(report)


def _silent_end(seen: Observation) -> SandboxError:
    if seen.end.signal_name == "SIGSYS":
        return SandboxError(
            type="ForbiddenSystemCall", message="the code made a forbidden system call"
        )
    if seen.end.signal is not None:
        return SandboxError(
            type="Crashed", message=f"the interpreter crashed ({seen.end.signal_name})"
        )
    if seen.report:
        return SandboxError(type="InvalidResult", message="the result could not be read as JSON")
    return SandboxError(
        type="NoResult",
        message=f"the code ended (exit code {seen.end.exit_code}) before main returned",
    )


def _limit_error(
    limit: LimitName, limits: ExecutionLimits, report: GuestReport | None
) -> SandboxError:
    at = error_of(report) if report else None
    return SandboxError(
        type="LimitExceeded",
        message=_limit_message(limit, limits),
        line=at.line if at else None,
        traceback=at.traceback if at and report and (report.frames or report.stack) else "",
    )


def _limit_message(limit: LimitName, limits: ExecutionLimits) -> str:
    match limit:
        case "cpu":
            return f"the code used more than {limits.cpu_seconds} s of CPU time"
        case "wall":
            return f"the code did not end within {limits.wall_seconds:g} s"
        case "memory":
            return f"the code used more than {limits.memory_bytes} bytes of memory"
        case "processes":
            return f"the code used more than {limits.processes} processes and threads"
        case "output":
            return f"the code printed more than {limits.output_bytes} bytes"
        case "result":
            return f"the result is larger than {limits.result_bytes} bytes"
        case "disk":
            return (
                f"the code wrote more than {limits.disk_bytes} bytes of files, "
                f"or {limits.file_bytes} bytes to one file"
            )
        case _:
            assert_never(limit)
