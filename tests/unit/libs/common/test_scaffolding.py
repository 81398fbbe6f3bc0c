"""Settings, lifespan, logging, tracing, retrying, metrics."""

import asyncio
import base64
import io
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import structlog
from pydantic import ValidationError

from libs.common.clock import Alarm
from libs.common.contracts.envelope import Envelope
from libs.common.errors import Busy, InvalidInput, NotFound, WireError
from libs.common.lifespan import Lifespan
from libs.common.metrics import Metrics
from libs.common.retry_policy import RetryPolicy
from libs.common.retrying import retrying
from libs.common.sealed_box import SealedBox
from libs.common.service_settings import ServiceSettings
from libs.common.structured_logging import configure_logging, message_context
from libs.common.tracing import (
    current_trace_id,
    current_traceparent,
    enter_trace,
    leave_trace,
    trace_id_of,
)

KEY = base64.b64encode(bytes(32)).decode()
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03"


class PatientClock:
    """Sleeps at once and notes for how long."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2030, 1, 1, tzinfo=UTC)

    def time(self) -> float:
        return self.now().timestamp()

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def call_later(self, seconds: float, call: Callable[[], None]) -> Alarm:
        raise AssertionError("nobody sets an alarm here")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in {
        "HEDDLE_DATABASE_URL": "postgresql://app:pass-word@db/heddle",
        "HEDDLE_NATS_URL": "nats://n",
        "HEDDLE_OBJECT_STORE_URL": "file:///objects",
        "HEDDLE_MASTER_KEY": KEY,
    }.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_settings_are_read_frozen_and_hidden(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HEDDLE_EGRESS_ALLOW", "10.0.0.1:80, ollama:11434 ,")
    environment.setenv("HEDDLE_REDIS_URL", "")
    settings = ServiceSettings()  # pyright: ignore[reportCallIssue] - read from the environment
    assert settings.egress_allow == ("10.0.0.1:80", "ollama:11434")
    assert settings.redis_url is None
    assert "pass-word" not in repr(settings)
    assert KEY not in repr(settings)
    with pytest.raises(ValidationError):
        settings.host = "elsewhere"


def test_a_wrong_master_key_is_refused_and_not_shown(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HEDDLE_MASTER_KEY", "c2hvcnQ=")
    with pytest.raises(ValidationError) as caught:
        ServiceSettings()  # pyright: ignore[reportCallIssue] - read from the environment
    assert "c2hvcnQ" not in str(caught.value)


def test_several_master_keys_serve_while_one_is_replaced(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HEDDLE_MASTER_KEY", f"{KEY},{KEY}")
    settings = ServiceSettings()  # pyright: ignore[reportCallIssue] - read from the environment
    assert SealedBox(settings.master_key)


_MAILS = {
    "public_url": "https://heddle.test/",
    "smtp_url": "smtp://user:pass-word@mail",
    "smtp_from": "heddle@example.org",
}


def test_mails_need_a_sender_and_a_place_for_links(environment: pytest.MonkeyPatch) -> None:
    settings = ServiceSettings.model_validate(_MAILS)
    assert settings.public_url == "https://heddle.test"
    assert "pass-word" not in repr(settings)
    assert ServiceSettings.model_validate({"public_url": "http://h:8700/x"}).smtp_url is None
    for missing in ("public_url", "smtp_from"):
        less = {name: value for name, value in _MAILS.items() if name != missing}
        with pytest.raises(ValidationError) as caught:
            ServiceSettings.model_validate(less)
        assert "pass-word" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["heddle.test", "ftp://heddle.test", "https://", "https://a@b", "https://a?b", "https://a b"],
)
def test_people_reach_us_at_a_plain_address(environment: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(ValidationError):
        ServiceSettings.model_validate({"public_url": url})


async def test_parts_stop_in_reverse_order_whatever_happens() -> None:
    seen: list[str] = []

    async def stop(name: str) -> None:
        seen.append(name)
        if name == "b":
            raise RuntimeError("b fails")
        if name == "c":
            await asyncio.Event().wait()

    async with Lifespan(stop_seconds=0.05) as lifespan:
        for name in "abc":
            lifespan.at_stop(name, lambda name=name: stop(name))
    assert seen == ["c", "b", "a"]


async def test_background_work_ends_with_the_lifespan() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with Lifespan() as lifespan:
        lifespan.background("work", work)
        await begun.wait()
    assert ended.is_set()


async def test_background_work_that_fails_is_started_again() -> None:
    tries: list[int] = []
    third = asyncio.Event()

    async def work() -> None:
        tries.append(len(tries))
        if len(tries) < 3:
            raise RuntimeError("a defect")
        third.set()

    async with Lifespan(first_pause=0.001) as lifespan:
        lifespan.background("work", work)
        async with asyncio.timeout(5):
            await third.wait()
    assert tries == [0, 1, 2]


def test_log_lines_carry_ids_and_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr("sys.stderr", out)
    tenant = UUID(int=7)
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        configure_logging("bakery", "INFO")
        with message_context(Envelope(tenant_id=tenant, traceparent=TRACEPARENT)):
            structlog.get_logger("oven").info(
                "baked",
                api_key="k1",
                headers={"Authorization": "k2", "deep": {"session-token": "k3"}},
                total_tokens=5,
            )
            logging.getLogger("plain").warning("from %s", "outside")
        structlog.get_logger("oven").debug("too fine")
    finally:
        structlog.reset_defaults()
        root.handlers, root.level = handlers, level
    first, second = (json.loads(line) for line in out.getvalue().splitlines())
    assert first["event"] == "baked"
    assert first["service"] == "bakery"
    assert first["tenant_id"] == str(tenant)
    assert first["trace_id"] == TRACEPARENT[3:35]
    assert first["total_tokens"] == 5
    assert not {"k1", "k2", "k3"} & set(out.getvalue().replace('"', " ").split())
    assert (second["event"], second["trace_id"]) == ("from outside", TRACEPARENT[3:35])


@pytest.mark.parametrize(
    "bad", ["", "garbage", "00-" + "0" * 32 + "-00f067aa0ba902b7-03", "00-zz-00f067aa0ba902b7-01"]
)
def test_a_malformed_trace_is_replaced(bad: str) -> None:
    assert trace_id_of(bad) is None
    token = enter_trace(bad)
    try:
        assert trace_id_of(current_traceparent() or "") == current_trace_id()
    finally:
        leave_trace(token)
    assert current_traceparent() is None


QUICK = RetryPolicy(
    name="quick",
    attempts=4,
    first=timedelta(seconds=1),
    cap=timedelta(seconds=8),
    total=timedelta(seconds=60),
)


async def test_what_is_retryable_is_repeated_with_growing_bounded_waits() -> None:
    clock = PatientClock()
    calls = 0

    async def work() -> str:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise Busy("full", retry_after=9.0 if calls == 2 else None)
        return "done"

    assert await retrying(QUICK, work, clock=clock) == "done"
    assert calls == 3
    assert 0 <= clock.slept[0] <= 2
    assert clock.slept[1] >= 9.0


async def test_the_last_error_is_raised() -> None:
    clock = PatientClock()

    async def work() -> None:
        raise OSError("away")

    with pytest.raises(OSError, match="away"):
        await retrying(QUICK, work, retry_on=(OSError,), clock=clock)
    assert len(clock.slept) == 3


async def test_a_callers_error_is_not_repeated() -> None:
    clock = PatientClock()

    async def work() -> None:
        raise InvalidInput("no")

    with pytest.raises(InvalidInput):
        await retrying(QUICK, work, clock=clock)
    assert clock.slept == []


def test_metrics_are_asked_for_by_name() -> None:
    metrics = Metrics()
    for _ in range(2):
        metrics.counter("heddle_loaves", "Loaves.", ("kind",)).labels("rye").inc()
    assert b'heddle_loaves_total{kind="rye"} 2.0' in metrics.exposition()


def test_an_error_of_another_service_keeps_its_code() -> None:
    sent = WireError(code="oven_cold", status=404, message="light it", retryable=True)
    error = sent.to_error()
    assert isinstance(error, NotFound)
    assert (error.code, error.status, error.retryable) == ("oven_cold", 404, True)
    assert WireError.of(error) == sent
