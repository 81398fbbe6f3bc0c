"""What the backend makes of a request to begin from a run, before the engine sees it."""

from typing import Any
from uuid import UUID

import pytest
import yaml

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.run_commands import AcceptRun
from libs.common.contracts.run_forks import (
    ExecutedNode,
    ForkPlan,
    Obstacle,
    PlanFork,
    TakenNode,
)
from libs.common.contracts.subjects import PLAN_FORK
from libs.common.contracts.workflows import WorkflowDefinition
from libs.common.errors import WireError
from libs.common.identifiers import uuid7
from services.backend.domain.apps.records import Draft
from tests.integration.backend.conftest import House
from tests.integration.backend.documents import app

PLAN = ForkPlan(
    takes=(TakenNode(node_id="start", title="", node_type="start", status="succeeded"),),
    executes=(
        ExecutedNode(
            node_id="llm", title="", node_type="llm", effect_class="model", reason="chosen"
        ),
    ),
)


class Planner:
    """The engine's part: what it was asked, and what it answers next."""

    def __init__(self) -> None:
        self.asked: list[PlanFork] = []
        self.unknown = False
        self.plan = PLAN

    async def serve(self, message: PlanFork, _envelope: Envelope) -> ForkPlan:
        self.asked.append(message)
        if self.unknown:
            self.unknown = False
            raise WireError(code="workflow_unknown", status=404, message="unknown").to_error()
        return self.plan


@pytest.fixture
async def planner(house: House) -> Planner:
    made = Planner()
    await house.bus.serve(PLAN_FORK, made.serve)
    return made


async def ran(house: House, mode: str = "workflow", **body: Any) -> tuple[str, str]:
    """App and run, which has ended."""
    app_id = (await house.imported(app(mode)))["app_id"]
    answer = await house.http.post(
        f"/api/apps/{app_id}/runs",
        json={"inputs": {"text": "a", "count": 1}, **body},
        params={"wait": "15"},
        headers=house.admin(),
    )
    assert answer.status_code == 200, answer.text
    return app_id, answer.json()["run_id"]


async def begun(house: House, run_id: str, body: dict[str, Any]) -> AcceptRun:
    """What the engine is given after preview and start."""
    path = f"/api/runs/{run_id}/fork"
    shown = await house.http.post(f"{path}/preview", json=body, headers=house.admin())
    assert shown.status_code == 200, shown.text
    asked = {**body, "digest": shown.json()["digest"]}
    answer = await house.http.post(path, json=asked, headers=house.admin())
    assert answer.status_code == 202, answer.text
    return house.engine.runs[UUID(answer.json()["run_id"])].acceptance


async def other_version(house: House, app_id: str) -> str:
    """Another version of the app, whose start wants an input `tone`."""
    document = yaml.safe_load(app())["workflow"]
    fields = document["graph"]["nodes"][0]["data"]["variables"]
    fields.append({"variable": "tone", "type": "text-input", "required": True})
    definition = WorkflowDefinition(
        mode="workflow",
        graph=document["graph"],
        environment_variables=({"name": "E", "value": "e", "value_type": "string"},),
    )
    cases = house.cases
    found, draft = await cases.show_apps.one(house.tenant_id, UUID(app_id))
    report = await cases.publish_app.engine.validate(house.tenant_id, definition)
    changed = Draft(
        app_id=found.app_id,
        source=draft.source,
        source_hash=draft.source_hash,
        definition=definition,
        report=report,
    )
    return str(await cases.publish_app.apps.publish(house.tenant_id, changed, uuid7()))


async def test_a_fork_is_given_what_its_origin_was_given(house: House, planner: Planner) -> None:
    _, run_id = await ran(house)
    origin = house.engine.runs[UUID(run_id)].acceptance
    fork = await begun(house, run_id, {"from_node": "llm", "inputs": {"text": "b"}})
    assert fork.inputs == {"text": "b", "count": 1}
    assert fork.origin is not None
    assert (fork.origin.run_id, fork.origin.taken) == (origin.run_id, ("start",))
    same = {"workflow_run_id": str(fork.run_id)}
    assert fork.system == {**origin.system, **same}
    kept = {"run_id", "origin", "inputs", "system", "traceparent"}
    assert fork.model_dump(exclude=kept) == origin.model_dump(exclude=kept)
    assert planner.asked[0].workflow_hash == origin.workflow_hash


async def test_another_version_brings_its_workflow_form_and_environment(
    house: House, planner: Planner
) -> None:
    app_id, run_id = await ran(house)
    version = await other_version(house, app_id)
    body: dict[str, Any] = {"from_node": "llm", "version_id": version}
    path = f"/api/runs/{run_id}/fork/preview"
    refused = await house.http.post(path, json=body, headers=house.admin())
    assert (refused.status_code, refused.json()["code"]) == (400, "input_refused")
    planner.unknown = True
    fork = await begun(house, run_id, {**body, "inputs": {"tone": "warm"}})
    assert fork.system["workflow_id"] == version
    assert fork.workflow_hash == planner.asked[-1].workflow_hash
    assert fork.workflow_hash != house.engine.runs[UUID(run_id)].acceptance.workflow_hash
    assert [each.name for each in fork.environment] == ["E"]
    assert fork.inputs == {"text": "a", "count": 1, "tone": "warm"}
    assert len(planner.asked) == 3, "the version was registered and asked for once more"
    nobody = {**body, "version_id": str(uuid7())}
    missing = await house.http.post(path, json=nobody, headers=house.admin())
    assert missing.status_code == 404


async def test_a_fork_of_a_chat_is_no_turn_of_its_conversation(
    house: House, planner: Planner
) -> None:
    _, run_id = await ran(house, "advanced-chat", query="hello")
    fork = await begun(house, run_id, {"from_node": "llm"})
    assert fork.remembers is None
    assert fork.system["query"] == "hello"
    shown = await house.http.get(f"/api/runs/{fork.run_id}", headers=house.admin())
    assert shown.json()["message_id"] is None
    assert shown.json()["conversation_id"] is None


async def test_a_plan_that_changed_is_shown_anew(house: House, planner: Planner) -> None:
    _, run_id = await ran(house)
    path = f"/api/runs/{run_id}/fork"
    body: dict[str, Any] = {"from_node": "llm"}
    shown = await house.http.post(f"{path}/preview", json=body, headers=house.admin())
    unsafe = PLAN.executes[0].model_copy(update={"effect_class": "unsafe"})
    planner.plan = PLAN.model_copy(update={"executes": (unsafe,)})
    asked = {**body, "digest": shown.json()["digest"], "allow_unsafe": True}
    outdated = await house.http.post(path, json=asked, headers=house.admin())
    assert (outdated.status_code, outdated.json()["code"]) == (409, "fork_preview_outdated")
    obstacle = Obstacle(code="not_reached", message="It did not come there.")
    planner.plan = PLAN.model_copy(update={"obstacles": (obstacle,)})
    impossible = await house.http.post(path, json=asked, headers=house.admin())
    assert (impossible.status_code, impossible.json()["code"]) == (409, "fork_impossible")
    assert impossible.json()["obstacles"] == ["not_reached"]
    assert len(house.engine.runs) == 1


async def test_one_key_begins_one_run(house: House, planner: Planner) -> None:
    _, run_id = await ran(house)
    path = f"/api/runs/{run_id}/fork"
    headers = {**house.admin(), "Idempotency-Key": "k"}
    told: list[str] = []
    for text in ("b", "b", "c"):
        body: dict[str, Any] = {"from_node": "llm", "inputs": {"text": text}}
        shown = await house.http.post(f"{path}/preview", json=body, headers=house.admin())
        asked = {**body, "digest": shown.json()["digest"]}
        answer = await house.http.post(path, json=asked, headers=headers)
        told.append(answer.json().get("run_id") or answer.json()["code"])
    assert told[0] == told[1]
    assert told[2] == "idempotency_key_reused"
