"""From an observation to an outcome."""

import signal

import pytest

from services.plugin.domain.sandbox.execution import ExecutionLimits, LimitName
from services.plugin.domain.sandbox.observation import Observation, Overflow, ProcessEnd
from services.plugin.domain.sandbox.verdict import judge

_LIMITS = ExecutionLimits(cpu_seconds=3)
_CLEAN = ProcessEnd(exit_code=0, cpu_seconds=0.01, peak_memory_bytes=1)


def _seen(
    end: ProcessEnd = _CLEAN,
    report: bytes = b"",
    stderr: bytes = b"",
    overflow: Overflow | None = None,
) -> Observation:
    return Observation(
        end=end, report=report, stdout=b"out", stderr=stderr, wall_seconds=0.5, overflow=overflow
    )


def _killed(name: signal.Signals, cpu: float = 0.1) -> ProcessEnd:
    return ProcessEnd(signal=int(name), cpu_seconds=cpu)


def test_a_result_is_ok() -> None:
    outcome = judge(_seen(report=b'{"status":"ok","result":{"a":1.0}}'), _LIMITS, "bwrap")
    assert (outcome.status, outcome.error, outcome.limit) == ("ok", None, None)
    assert repr(outcome.result) == "{'a': 1.0}"
    assert outcome.usage.wall_seconds == 0.5
    assert outcome.isolation == "bwrap"


@pytest.mark.parametrize(
    ("seen", "limit"),
    [
        (_seen(overflow="wall", end=_killed(signal.SIGKILL)), "wall"),
        (_seen(overflow="output", report=b'{"status":"ok","result":1}'), "output"),
        (_seen(overflow="result", end=_killed(signal.SIGKILL)), "result"),
        (_seen(end=_killed(signal.SIGKILL, cpu=3.0)), "cpu"),
        (_seen(end=_killed(signal.SIGKILL, cpu=1.6)), "cpu"),
        (_seen(end=_killed(signal.SIGKILL, cpu=1.4)), "memory"),
        (_seen(end=_killed(signal.SIGXCPU)), "cpu"),
        (_seen(end=_killed(signal.SIGXFSZ)), "disk"),
        (_seen(end=_killed(signal.SIGTRAP), stderr=b"JavaScript heap out of memory"), "memory"),
        (_seen(end=ProcessEnd(exit_code=134), stderr=b"... 'std::bad_alloc'"), "memory"),
        (_seen(report=b'{"status":"limit","limit":"disk","line":4}'), "disk"),
        (_seen(report=b'{"status":"limit","limit":"processes"}'), "processes"),
    ],
)
def test_limits_are_recognised(seen: Observation, limit: LimitName) -> None:
    outcome = judge(seen, _LIMITS, "bwrap")
    assert (outcome.status, outcome.limit, outcome.result) == ("limit", limit, None)
    assert outcome.error is not None
    assert outcome.error.type == "LimitExceeded"
    assert outcome.error.message


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        (_seen(report=b'{"status":"error","type":"ValueError","line":2}'), "ValueError"),
        (_seen(end=_killed(signal.SIGSYS)), "ForbiddenSystemCall"),
        (_seen(end=_killed(signal.SIGSEGV)), "Crashed"),
        (_seen(report=b"junk"), "InvalidResult"),
        (_seen(end=ProcessEnd(exit_code=7)), "NoResult"),
        (_seen(stderr=b"out of memory"), "NoResult"),
    ],
)
def test_failures_are_errors(seen: Observation, kind: str) -> None:
    outcome = judge(seen, _LIMITS, "landlock")
    assert (outcome.status, outcome.limit, outcome.result) == ("error", None, None)
    assert outcome.error is not None
    assert outcome.error.type == kind


def test_a_complete_report_outweighs_the_death_after_it() -> None:
    seen = _seen(report=b'{"status":"ok","result":1}', end=_killed(signal.SIGKILL, cpu=3.0))
    assert judge(seen, _LIMITS, "bwrap").result == 1


def test_a_limit_without_frames_has_no_traceback() -> None:
    seen = _seen(report=b'{"status":"limit","limit":"cpu","line":4}')
    error = judge(seen, _LIMITS, "bwrap").error
    assert error is not None
    assert (error.line, error.traceback) == (4, "")


def test_output_need_not_be_text() -> None:
    seen = _seen(report=b'{"status":"ok","result":1}', stderr=b"\xff\xfe")
    assert judge(seen, _LIMITS, "bwrap").stderr == "\ufffd\ufffd"


@pytest.mark.parametrize(
    ("status", "code", "name"),
    [(0, 0, ""), (7 << 8, 7, ""), (9, None, "SIGKILL"), (0x8B, None, "SIGSEGV")],
)
def test_wait_statuses_are_read(status: int, code: int | None, name: str) -> None:
    end = ProcessEnd.of_wait_status(status, cpu_seconds=0.0, peak=0)
    assert (end.exit_code, end.signal_name) == (code, name)


def test_limits_must_make_sense() -> None:
    for bad in ({"cpu_seconds": 0}, {"memory_bytes": 1}, {"output_bytes": 1}, {"processes": 0}):
        with pytest.raises(ValueError, match="must be"):
            ExecutionLimits(**bad)
