"""Apps that call apps: resolved within the tenant, told by node and field, pinned at acceptance."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.common.contracts.child_runs import ParentRun, PinnedWorkflow
from libs.common.contracts.run_commands import AcceptRun, ChildAccepted
from libs.common.contracts.run_limits import MOST_DEPTH
from libs.common.contracts.workflows import WorkflowDefinition
from libs.common.identifiers import uuid7
from services.backend.app.apps.published_apps import PublishedApps
from services.backend.app.apps.sub_workflows import SubWorkflows
from services.backend.app.errors import PublishRefused
from services.backend.domain.apps.records import Draft
from services.backend.infra.postgres.app_repository import PostgresAppRepository
from tests.integration.backend.conftest import House
from tests.integration.backend.documents import app


def calling(*app_ids: str, name: str = "Caller", **more: str) -> str:
    """A workflow whose nodes `call0`, `call1` ... call these apps."""
    nodes: list[dict[str, Any]] = [{"id": "start", "data": {"type": "start", "variables": []}}]
    for place, app_id in enumerate(app_ids):
        data = {"type": "sub-workflow", "title": "Call", "app_id": app_id, **more}
        nodes.append({"id": f"call{place}", "data": data})
    edges = [{"source": "start", "target": node["id"]} for node in nodes[1:]]
    return json.dumps(
        {
            "kind": "app",
            "version": "0.3.1",
            "app": {"name": name, "mode": "workflow"},
            "workflow": {"features": {}, "graph": {"nodes": nodes, "edges": edges}},
        }
    )


async def imported(house: House, source: str) -> str:
    """The id of an app that was published at once."""
    made = await house.imported(source)
    assert made["version_id"], made
    return str(made["app_id"])


def _errors(made: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(each["code"], each["node_id"], each["field"]) for each in made["report"]["errors"]]


async def test_a_run_is_accepted_with_what_its_nodes_call_at_any_depth(house: House) -> None:
    made = await house.imported(app(name="Below"))
    below = made["app_id"]
    between = await imported(house, calling(below, name="Between"))
    caller = await imported(house, calling(between, below))
    answer = await house.http.post(f"/api/apps/{caller}/runs", json={}, headers=house.admin())
    assert answer.status_code == 202, answer.text
    acceptance = house.engine.runs[UUID(answer.json()["run_id"])].acceptance
    pins = {pin.ref: pin for pin in acceptance.sub_workflows}
    assert set(pins) == {below, between}
    assert str(pins[below].version_id) == made["version_id"]
    assert pins[below].workflow_hash in house.engine.registered


async def test_what_cannot_be_called_is_told_by_node_and_field(house: House) -> None:
    chat = await imported(house, app("advanced-chat", name="Chat"))
    draft = (await house.imported(app(name="Draft"), publish=False))["app_id"]
    fine = await imported(house, app(name="Fine"))
    other = await house.cases.import_app(
        uuid4(), app(name="Theirs").encode(), publish=True, idempotency_key=None
    )
    assert other.version_id is not None
    apps = (str(uuid4()), str(other.app.app_id), chat, str(draft), fine)
    made = await house.imported(calling(*apps))
    assert made["version_id"] is None
    assert _errors(made) == [
        ("unknown_app", "call0", "app_id"),
        ("unknown_app", "call1", "app_id"),
        ("app_not_callable", "call2", "app_id"),
        ("app_not_published", "call3", "app_id"),
    ]
    version = str(uuid4())
    made = await house.imported(calling(fine, name="Old", version_id=version))
    assert _errors(made) == [("unknown_version", "call0", "version_id")]


async def test_calls_go_only_so_deep(house: House) -> None:
    deepest = await imported(house, app(name="App 0"))
    for place in range(1, MOST_DEPTH + 1):
        deepest = await imported(house, calling(deepest, name=f"App {place}"))
    made = await house.imported(calling(deepest, name="Too deep"))
    assert _errors(made) == [("sub_workflow_too_deep", "call0", "app_id")]


async def test_apps_that_call_each_other_are_refused_when_published_and_when_run(
    house: House,
) -> None:
    first = await imported(house, app(name="First"))
    second = await imported(house, calling(first, name="Second"))
    apps = PostgresAppRepository(house.pool)
    draft = await apps.draft(house.tenant_id, UUID(first))
    assert draft is not None
    graph = json.loads(calling(second))["workflow"]["graph"]
    changed = Draft(
        app_id=draft.app_id,
        source=draft.source,
        source_hash=draft.source_hash,
        definition=WorkflowDefinition(mode="workflow", graph=graph),
        report=draft.report.model_copy(update={"content_hash": "another"}),
    )
    with pytest.raises(PublishRefused) as refused:
        await house.cases.publish_app.draft(house.tenant_id, changed)
    told: Any = refused.value.extra
    (finding,) = told["report"]["errors"]
    assert (finding["code"], finding["node_id"]) == ("sub_workflow_cycle", "call0")
    # Two publish at once: neither sees the other's.
    await apps.publish(house.tenant_id, changed, uuid7())
    answer = await house.http.post(f"/api/apps/{second}/runs", json={}, headers=house.admin())
    assert (answer.status_code, answer.json()["code"]) == (409, "sub_workflow_unresolved")
    assert answer.json()["finding"] == "sub_workflow_cycle"
    assert not house.engine.runs


async def test_each_reference_is_looked_at_once(house: House) -> None:
    below = await imported(house, app(name="Below"))
    for place in range(3):
        below = await imported(house, calling(*[below] * 30, name=f"Wide {place}"))
    apps = PublishedApps(PostgresAppRepository(house.pool))
    graph = json.loads(calling(*[below] * 30))["workflow"]["graph"]
    found = await SubWorkflows(apps).resolved(
        house.tenant_id, WorkflowDefinition(mode="workflow", graph=graph), of_app=None
    )
    assert len(found.pinned) == 4
    assert found.findings == ()


async def test_the_test_of_a_node_pins_what_the_node_calls(house: House) -> None:
    below = await imported(house, app(name="Below"))
    caller = await imported(house, calling(below))
    answer = await house.http.post(
        f"/api/apps/{caller}/nodes/call0/test", json={"variables": {}}, headers=house.admin()
    )
    assert answer.status_code in {200, 202}, answer.text
    acceptance = house.engine.runs[UUID(answer.json()["run_id"])].acceptance
    assert [pin.ref for pin in acceptance.sub_workflows] == [below]


async def _child(house: House, *, secrets: dict[str, int] | None = None) -> ChildAccepted:
    """A child of a run that is written down here, as the engine tells of it."""
    below = await imported(house, app(name="Below"))
    caller = await imported(house, calling(below))
    answer = await house.http.post(f"/api/apps/{caller}/runs", json={}, headers=house.admin())
    parent = house.engine.runs[UUID(answer.json()["run_id"])].acceptance
    (pin,) = parent.sub_workflows
    return ChildAccepted(version_id=pin.version_id, acceptance=_acceptance(parent, pin, secrets))


def _acceptance(
    parent: AcceptRun, pin: PinnedWorkflow, secrets: dict[str, int] | None
) -> AcceptRun:
    return AcceptRun(
        tenant_id=parent.tenant_id,
        run_id=uuid7(),
        app_id=pin.app_id,
        workflow_hash=pin.workflow_hash,
        inputs={"text": "hello"},
        parent=ParentRun(
            run_id=parent.run_id, node_id="call0", key="k", depth=1, secrets=secrets or {}
        ),
    )


async def test_a_child_is_listed_under_its_caller_however_its_messages_come(house: House) -> None:
    fact = await _child(house)
    acceptance = fact.acceptance
    assert acceptance.parent is not None
    await house.cases.start_run.hand_over.engine.accept(acceptance, fact.version_id)
    play = house.engine.runs[acceptance.run_id].task
    assert play is not None
    # Its end is told first.
    await play
    for _ in range(2):
        await house.cases.record_child.of_fact(fact)
    listed = await house.http.get(
        f"/api/runs?parent_run_id={acceptance.parent.run_id}", headers=house.admin()
    )
    (line,) = listed.json()["runs"]
    assert (line["run_id"], line["status"]) == (str(acceptance.run_id), "succeeded")
    shown = await house.http.get(f"/api/runs/{acceptance.run_id}", headers=house.admin())
    assert shown.json()["parent_run_id"] == str(acceptance.parent.run_id)
    assert shown.json()["outputs"] == {"answer": "echo: hello"}
    everything = (await house.http.get("/api/runs", headers=house.admin())).json()["runs"]
    assert {each["parent_run_id"] for each in everything} == {None, str(acceptance.parent.run_id)}


async def test_what_a_child_was_given_by_a_run_with_secrets_is_no_run_to_begin_from(
    house: House,
) -> None:
    fact = (await _child(house, secrets={f"{uuid4()}/KEY": 1})).tellable
    assert fact.acceptance.inputs == {}
    await house.cases.record_child.of_fact(fact)
    answer = await house.http.post(
        f"/api/runs/{fact.acceptance.run_id}/replay/preview", json={}, headers=house.admin()
    )
    assert answer.json()["code"] == "fork_impossible"
