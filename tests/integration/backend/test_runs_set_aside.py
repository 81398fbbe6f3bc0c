"""A run that cannot go on, and one that may not begin: the caller is told."""

import json
from typing import Any

import pytest

from services.backend.app.runs.start_run import INPUT_BYTES
from tests.integration.backend.conftest import House, bearer
from tests.integration.backend.documents import app


@pytest.mark.slow  # the engine is asked after 5 s of silence
async def test_who_waits_for_a_run_set_aside_is_told(house: House) -> None:
    imported = await house.imported(app())
    house.engine.set_aside = True
    body = {"inputs": {"text": "one two"}, "user": "u1", "response_mode": "blocking"}
    answer = await house.http.post(
        "/v1/workflows/run", json=body, headers=bearer(imported["api_key"])
    )
    assert answer.status_code == 500
    told = answer.json()
    assert "quarantined" in told["message"]
    assert told["workflow_run_id"] in {str(run_id) for run_id in house.engine.runs}


@pytest.mark.parametrize("field", ["inputs", "files"])
async def test_more_than_a_journal_row_holds_is_refused(house: House, field: str) -> None:
    imported = await house.imported(app())
    large = "x" * INPUT_BYTES
    given: dict[str, Any]
    given = {"inputs": {"other": large}} if field == "inputs" else {"inputs": {}, "files": [large]}
    answer = await house.http.post(
        "/v1/workflows/run",
        content=json.dumps({**given, "user": "u1"}),
        headers={**bearer(imported["api_key"]), "Content-Type": "application/json"},
    )
    assert answer.status_code == 413
    assert house.engine.runs == {}
