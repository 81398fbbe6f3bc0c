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


def test_an_error_names_the_authors_own_line(world: World) -> None:
    app = world.import_app(
        code_workflow("def main():\n    value = 1\n    return {'result': value / 0}")
    )
    with world.streamed(app, "/v1/workflows/run", {"inputs": {}}) as events:
        finished = {
            event.body["data"]["node_id"]: event.body["data"]
            for event in events
            if event.kind == "node_finished"
        }
    assert finished["work"]["error"] == "division by zero"
    assert finished["work"]["process_data"]["line"] == 3
