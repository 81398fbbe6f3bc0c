"""Code nodes that mean harm: the run fails within its limits, and nothing else does."""

import time

import httpx
import pytest

from tests.e2e.documents import code_workflow
from tests.e2e.hostile_code import CANARY, HOSTILE, HostileCode
from tests.e2e.world import World

pytestmark = pytest.mark.xdist_group("e2e")

_LIMIT_SECONDS = 20.0
_HARMLESS = "def main():\n    return {'result': 'fine'}"


@pytest.mark.slow
@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case.name)
def test_hostile_code_fails_alone(case: HostileCode, world: World) -> None:
    plugin = world.platform.replica("plugin")
    pid = plugin.pid
    app = world.import_app(code_workflow(case.source, case.language))
    began = time.monotonic()
    outcome = world.outcome(app, {})
    assert time.monotonic() - began < _LIMIT_SECONDS
    assert outcome["status"] == "failed", outcome
    assert any(told in outcome["error"] for told in case.told), outcome["error"]
    assert "LEAKED" not in outcome["error"]
    assert "root:" not in str(outcome)
    harmless = world.outcome(world.import_app(code_workflow(_HARMLESS)), {})
    assert harmless["outputs"] == {"result": "fine"}
    assert (plugin.pid, plugin.child.poll()) == (pid, None)
    assert httpx.get(f"{plugin.url}/readyz").status_code == 200


def test_code_sees_nothing_of_its_service(world: World) -> None:
    source = (
        "import os\n"
        "def main():\n"
        "    return {'result': ' '.join(f'{k}={v}' for k, v in os.environ.items())}"
    )
    outcome = world.outcome(world.import_app(code_workflow(source)), {})
    assert outcome["status"] == "succeeded"
    assert "HEDDLE" not in outcome["outputs"]["result"]
    assert CANARY not in outcome["outputs"]["result"]
    assert "postgres" not in outcome["outputs"]["result"]


_DIVIDES = "def main():\n    value = 1\n    return {'result': value / 0}"
_READS = "function main() {\n  const nothing = undefined\n  return {result: nothing.name}\n}"
BROKEN = [
    pytest.param(
        _DIVIDES, "python3", "ZeroDivisionError: division by zero (line 3 of the code)", id="python"
    ),
    pytest.param(
        _READS,
        "javascript",
        "TypeError: Cannot read properties of undefined (reading 'name') (line 3 of the code)",
        id="javascript",
    ),
]


@pytest.mark.parametrize(("source", "language", "error"), BROKEN)
def test_an_error_names_the_authors_own_line(
    source: str, language: str, error: str, world: World
) -> None:
    app = world.import_app(code_workflow(source, language))
    with world.streamed(app, "/v1/workflows/run", {"inputs": {}}) as events:
        told = list(events)
    finished = {
        event.body["data"]["node_id"]: event.body["data"]
        for event in told
        if event.kind == "node_finished"
    }
    assert finished["work"]["error"] == error
    assert finished["work"]["process_data"]["line"] == 3
    assert told[-1].kind == "workflow_finished"
    assert told[-1].body["data"]["error"] == error
    run_id = told[0].body["workflow_run_id"]
    trace = world.http.get(f"/api/runs/{run_id}/trace", headers=world.admin).json()
    assert {node["node_id"]: node["error"] for node in trace["nodes"]} == {
        "start": None,
        "work": error,
    }
