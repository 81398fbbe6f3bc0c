"""Runs that runs call, over real Postgres: each is a run of its own, and none is left behind."""

from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from libs.common.contracts.run_commands import AcceptRun
from libs.common.contracts.run_limits import MOST_DEPTH, RunBounds, RunLimits
from libs.common.contracts.run_queries import TraceQuery
from libs.common.contracts.workflows import WorkflowDefinition
from libs.common.errors import InvalidInput
from libs.common.messaging.in_memory_bus import InMemoryBus
from services.engine.app.errors import WorkflowUnknown
from services.engine.domain.events.journal import ChildStarted, EffectCompleted, RunStarted
from services.engine.domain.execution.effect_keys import child_run_id, effect_key, run_scope
from tests.support.child_graphs import APP, called, calls, ends, pinned
from tests.support.databases import FreshDatabase
from tests.support.engine_callees import Callees
from tests.support.engine_harness import (
    TENANT,
    Cluster,
    postgres_cluster,
    with_worker,
)
from tests.support.engine_nodes import chain, form

OTHER = UUID(int=APP.int + 1)
TOPIC: dict[str, Any] = {"variable": "topic", "type": "text-input", "required": True}
GIVES_TOPIC: dict[str, Any] = {"inputs": {"topic": {"type": "mixed", "value": "looms"}}}


@pytest.fixture
async def cluster(migrated_database: FreshDatabase, bus: InMemoryBus) -> AsyncIterator[Cluster]:
    async with postgres_cluster(migrated_database, bus) as made:
        await made.replica()
        yield made


def child_of(run_id: UUID, *, attempt: int = 0, node: str = "n1") -> UUID:
    """The id of the run that the node of the run's own frame calls."""
    return child_run_id(run_id, effect_key(run_scope(TENANT, run_id), node, "", attempt, 0))


async def asked(
    cluster: Cluster, parent: WorkflowDefinition, child: WorkflowDefinition, **more: Any
) -> AcceptRun:
    return await cluster.asked(parent, sub_workflows=(await pinned(cluster, child),), **more)


async def accepted(cluster: Cluster, request: AcceptRun) -> UUID:
    await cluster.replicas[-1].engine.use_cases.accept.execute(request)
    return request.run_id


async def test_a_run_calls_another_one_and_takes_its_outputs(cluster: Cluster) -> None:
    child = called(ends(said="n0.topic"), inputs=(TOPIC,))
    run_id = await accepted(
        cluster, await asked(cluster, called(calls(**GIVES_TOPIC), ends(heard="n1.said")), child)
    )
    view = await cluster.ended(run_id)
    assert (view.status, view.outputs) == ("succeeded", {"heard": "looms"})
    below = await cluster.view(child_of(run_id))
    assert (below.status, below.outputs) == ("succeeded", {"said": "looms"})
    trace = await cluster.replicas[0].engine.use_cases.read.trace(
        TraceQuery(tenant_id=TENANT, run_id=run_id)
    )
    assert [node.child_runs for node in trace.nodes] == [(), (child_of(run_id),), ()]
    (kinds,) = [[type(e.event) for e in await cluster.journal(run_id)]]
    assert kinds.index(ChildStarted) < kinds.index(EffectCompleted)


async def test_a_child_that_is_refused_its_inputs_fails_its_node(cluster: Cluster) -> None:
    child = called(ends(said="n0.topic"), inputs=(TOPIC,))
    run_id = await accepted(cluster, await asked(cluster, chain(calls()), child))
    view = await cluster.ended(run_id)
    assert (view.status, view.error) == ("failed", "topic is required in input form")


async def test_a_childs_failure_is_its_nodes_and_each_attempt_is_another_run(
    cluster: Cluster, callees: Callees
) -> None:
    callees.errors.append(InvalidInput("not today"))
    again: dict[str, Any] = {
        "retry_config": {"retry_enabled": True, "max_retries": 1, "retry_interval": 1}
    }
    parent = called(calls(**again), ends(made="n1.made"))
    child = called({"type": "compute", "code": "a"}, ends(made="n1.result"))
    run_id = await accepted(cluster, await asked(cluster, parent, child))
    assert (await cluster.ended(run_id)).outputs == {"made": "A"}
    children = [await cluster.view(child_of(run_id, attempt=each)) for each in (0, 1)]
    assert [child.status for child in children] == ["failed", "succeeded"]


@pytest.mark.parametrize("strategy", ["none", "default-value", "fail-branch"])
async def test_a_childs_failure_takes_its_nodes_error_strategy(
    cluster: Cluster, callees: Callees, strategy: str
) -> None:
    callees.errors.append(InvalidInput("not today"))
    more: dict[str, Any] = {"error_strategy": strategy}
    if strategy == "default-value":
        more["default_value"] = [{"key": "made", "type": "string", "value": "nothing"}]
    parent = called(calls(**more), ends(made="n1.made", why="n1.error_type"))
    if strategy == "fail-branch":
        edges: Any = parent.graph["edges"]
        edges[1]["sourceHandle"] = "fail-branch"
    child = called({"type": "compute", "code": "a"}, ends(made="n1.result"))
    run_id = await accepted(cluster, await asked(cluster, parent, child))
    view = await cluster.ended(run_id)
    if strategy == "none":
        assert (view.status, view.error) == ("failed", "not today")
    else:
        made = "nothing" if strategy == "default-value" else None
        assert view.status == "partial-succeeded"
        assert view.outputs == {"made": made, "why": "SubWorkflowFailed"}


async def test_a_caller_has_no_slot_that_its_children_need(
    migrated_database: FreshDatabase, bus: InMemoryBus, callees: Callees
) -> None:
    async with postgres_cluster(migrated_database, bus, group_limit=1) as cluster:
        await cluster.replica(with_worker(capacity=1))
        below = called({"type": "compute", "code": "a"}, ends(made="n1.result"))
        between = called(calls(OTHER), ends(made="n1.made"))
        request = await cluster.asked(
            called(calls(), calls(), ends(made="n2.made")),
            sub_workflows=(
                await pinned(cluster, between),
                await pinned(cluster, below, OTHER),
            ),
        )
        run_id = await accepted(cluster, request)
        assert (await cluster.ended(run_id)).outputs == {"made": "A"}


@pytest.mark.parametrize("most", [1, MOST_DEPTH])
@pytest.mark.parametrize("more", [0, 1])
async def test_runs_call_runs_only_so_deep(cluster: Cluster, most: int, more: int) -> None:
    apps = [UUID(int=APP.int + place) for place in range(most + more)]
    pins = [
        await pinned(cluster, called(calls(below), ends(end="n1.end")), app)
        for app, below in pairwise(apps)
    ]
    pins.append(await pinned(cluster, called(ends()), apps[-1]))
    request = await cluster.asked(called(calls(apps[0]), ends()), sub_workflows=tuple(pins))
    request = request.model_copy(update={"limits": RunLimits(max_depth=most)})
    view = await cluster.ended(await accepted(cluster, request))
    if more:
        assert (view.status, view.error) == ("failed", f"Runs call runs at most {most} deep.")
    else:
        assert (view.status, view.error) == ("succeeded", None)


@pytest.mark.parametrize(("most", "status"), [(2, "failed"), (3, "succeeded")])
async def test_a_called_workflow_keeps_its_own_bounds(
    cluster: Cluster, most: int, status: str
) -> None:
    pin = await pinned(cluster, called({"type": "pass"}, ends(said="n1.said")))
    pin = pin.model_copy(update={"bounds": RunBounds(max_steps=most)})
    request = await cluster.asked(called(calls(), ends(said="n1.said")), sub_workflows=(pin,))
    view = await cluster.ended(await accepted(cluster, request))
    assert view.status == status
    if status == "failed":
        assert view.error == "Maximum execution steps exceeded: 3 > 2"


async def test_what_nobody_pinned_is_not_run(cluster: Cluster) -> None:
    request = await cluster.asked(chain(calls()))
    view = await cluster.ended(await accepted(cluster, request))
    assert view.status == "failed"
    assert f"accepted without the workflow '{APP}'" in str(view.error)


async def test_a_run_is_not_accepted_before_what_it_may_call_is_registered(
    cluster: Cluster,
) -> None:
    pin = (await pinned(cluster, called(ends()))).model_copy(update={"workflow_hash": "0" * 64})
    request = await cluster.asked(chain(calls()), sub_workflows=(pin,))
    with pytest.raises(WorkflowUnknown):
        await accepted(cluster, request)


async def test_children_have_what_their_caller_has_left(cluster: Cluster) -> None:
    child = called({"type": "pass"}, {"type": "pass"}, ends(said="n1.said"))
    limits = RunLimits(max_steps=8, max_seconds=1000.0)
    run_id = await accepted(
        cluster, await asked(cluster, chain(calls(), calls()), child, limits=limits)
    )
    view = await cluster.ended(run_id)
    # Three steps of its own, four of the first child: one is left for the second.
    assert (view.status, view.error) == ("failed", "Maximum execution steps exceeded: 2 > 1")
    first = (await cluster.journal(child_of(run_id)))[0].event
    assert isinstance(first, RunStarted)
    assert first.max_steps == 6
    assert 900.0 < first.max_seconds <= 1000.0


async def test_a_caller_waits_while_its_child_waits_for_people(cluster: Cluster) -> None:
    child = called(form(), ends(why="n1.why"))
    run_id = await accepted(cluster, await asked(cluster, called(calls(), ends(y="n1.why")), child))
    await cluster.parked(run_id)
    await cluster.parked(child_of(run_id))
    # Neither is anybody's: everybody may die.
    await cluster.replicas[-1].kill()
    await cluster.replica()
    (shown,) = await cluster.forms(child_of(run_id))
    await cluster.answer(shown.form_id)
    assert (await cluster.ended(run_id)).outputs == {"y": "so"}
    # Its readers are not told of a pause: people are not waited for here.
    assert "run_paused" not in [event.kind for event in await cluster.events(run_id)]
