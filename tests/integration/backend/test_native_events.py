"""A run's events on the native API."""

import asyncio
from typing import Any

from tests.integration.backend.conftest import House, bearer
from tests.integration.backend.documents import app
from tests.integration.backend.test_runs_on_dify_wire import events_of


def _named(text: str) -> list[tuple[str, bool]]:
    """Each event's name, and whether it can be resumed after."""
    found: list[tuple[str, bool]] = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in lines:
            found.append((lines["event"], "id" in lines))
    return found


async def test_a_thought_is_told_to_who_listens_now_and_has_no_id(house: House) -> None:
    key = (await house.imported(app()))["api_key"]
    body: dict[str, Any] = {
        "inputs": {"text": "hello", "thought": "let me see", "hold": True},
        "user": "u1",
    }
    asking = asyncio.ensure_future(
        house.http.post("/v1/workflows/run", json=body, headers=bearer(key))
    )
    await asyncio.wait_for(house.engine.spoke.wait(), 10)
    run_id = next(iter(house.engine.runs))
    house.engine.read_from.clear()
    reading = asyncio.ensure_future(
        house.http.get(f"/api/runs/{run_id}/events", headers=house.admin())
    )
    await asyncio.wait_for(house.engine.read_from.wait(), 10)
    house.engine.go.set()
    assert (await asking).json()["data"]["status"] == "succeeded"
    told = _named((await reading).text)
    assert told[:5] == [
        ("run_started", True),
        ("node_started", True),
        ("text", True),
        ("reasoning_delta", False),
        ("text", True),
    ]


async def test_a_finished_story_is_told_whole_and_resumed_from_any_point(house: House) -> None:
    key = (await house.imported(app()))["api_key"]
    body: dict[str, Any] = {"inputs": {"text": "hello"}, "user": "u1"}
    done = await house.http.post("/v1/workflows/run", json=body, headers=bearer(key))
    path = f"/api/runs/{done.json()['task_id']}/events"
    answer = await house.http.get(path, headers=house.admin())
    assert _named(answer.text) == [
        ("run_started", True),
        ("node_started", True),
        ("text", True),
        ("node_finished", True),
        ("run_finished", True),
    ]
    marks = [mark for mark, _ in events_of(answer.text)]
    rest = await house.http.get(path, headers={**house.admin(), "Last-Event-ID": str(marks[2])})
    assert events_of(rest.text) == events_of(answer.text)[3:]


async def test_an_unknown_run_and_a_wrong_point_are_refused(house: House) -> None:
    key = (await house.imported(app()))["api_key"]
    body: dict[str, Any] = {"inputs": {}, "user": "u1"}
    done = await house.http.post("/v1/workflows/run", json=body, headers=bearer(key))
    path = f"/api/runs/{done.json()['task_id']}/events"
    wrong = await house.http.get(path, headers={**house.admin(), "Last-Event-ID": "x"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_input")
    nobody = await house.http.get(f"/api/runs/{house.tenant_id}/events", headers=house.admin())
    assert nobody.status_code == 404
