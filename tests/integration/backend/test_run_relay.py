"""Runs whose acceptance, stop or end did not get through at first."""

import asyncio
from contextlib import aclosing
from uuid import UUID

import pytest

from libs.common.errors import Unavailable
from services.backend.app.runs.relay_runs import RelayRuns
from services.backend.app.runs.start_run import RunRequest
from services.backend.domain.runs.run_joiner import TextShown
from tests.integration.backend.conftest import House, bearer
from tests.integration.backend.documents import app
from tests.support.settled import settled


async def begun(house: House, **inputs: bool) -> UUID:
    """A run whose acceptance is committed and that nobody has handed over."""
    imported = await house.imported(app())
    request = RunRequest(
        tenant_id=house.tenant_id,
        app_id=UUID(imported["app_id"]),
        session_id="u1",
        inputs={**inputs},
        files=[],
    )
    return (await house.cases.start_run(request)).run_id


def relay(house: House) -> RelayRuns:
    cases = house.cases
    return RelayRuns(
        runs=cases.stop_run.runs,
        hand_over=cases.start_run.hand_over,
        clock=cases.start_run.clock,
        grace_seconds=0.0,
    )


async def ended(house: House, run_id: UUID) -> str:
    task = house.engine.runs[run_id].task
    assert task is not None
    await task
    return (await house.cases.show_run(house.tenant_id, run_id)).status


async def test_a_run_left_behind_is_handed_over_once(house: House) -> None:
    run_id = await begun(house)
    shown = await house.cases.show_run(house.tenant_id, run_id)
    assert shown.status == "queued"
    assert await relay(house).once() == 1
    assert await ended(house, run_id) == "succeeded"
    assert await relay(house).once() == 0


async def test_a_stop_that_came_first_goes_with_it(house: House) -> None:
    run_id = await begun(house, hold=True)
    run = await house.cases.start_run.runs.find(house.tenant_id, run_id)
    assert run is not None
    await house.cases.stop_run(house.tenant_id, run.app_id, run_id, "u1")
    assert run_id not in house.engine.runs
    await relay(house).once()
    assert await ended(house, run_id) == "stopped"


async def test_runs_wait_while_the_engine_is_away(house: House) -> None:
    run_id = await begun(house)
    house.engine.away = True
    with pytest.raises(Unavailable):
        await relay(house).once()
    house.engine.away = False
    assert house.engine.runs == {}
    await relay(house).once()
    assert await ended(house, run_id) == "succeeded"


async def test_a_reader_without_live_events_reads_the_store(house: House) -> None:
    house.engine.live = False
    key = (await house.imported(app()))["api_key"]
    answer = await house.http.post(
        "/v1/workflows/run", json={"inputs": {"text": "x"}, "user": "u"}, headers=bearer(key)
    )
    assert answer.json()["data"]["outputs"] == {"answer": "echo: x"}


async def test_the_durable_fact_ends_a_run_nobody_follows(house: House) -> None:
    run_id = await begun(house)
    await relay(house).once()
    task = house.engine.runs[run_id].task
    assert task is not None
    await task
    runs = house.cases.start_run.runs

    async def ended() -> bool:
        run = await runs.find(house.tenant_id, run_id)
        return run is not None and run.ending is not None

    await settled(ended, within=10)
    run = await runs.find(house.tenant_id, run_id)
    assert run is not None
    assert run.ending is not None
    assert run.ending.answer == "echo: "


async def test_a_late_reader_gets_uncommitted_text_from_the_tail(house: House) -> None:
    run_id = await begun(house, hold=True)
    await relay(house).once()
    await asyncio.wait_for(house.engine.spoke.wait(), 10)
    items = house.cases.follow_run(house.tenant_id, run_id)
    async with asyncio.timeout(10), aclosing(items):
        async for item in items:
            if isinstance(item, TextShown):
                assert item.text == "echo: "
                break
    house.engine.go.set()
