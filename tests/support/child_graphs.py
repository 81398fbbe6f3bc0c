"""Workflows that call workflows, and the pins that an acceptance brings for them."""

from typing import Any
from uuid import UUID, uuid4

from libs.common.contracts.child_runs import PinnedWorkflow, workflow_ref
from libs.common.contracts.workflows import WorkflowDefinition
from tests.support.engine_harness import Cluster
from tests.support.engine_nodes import chain

APP = UUID("00000000-0000-7000-8000-0000000000a1")


def calls(app_id: UUID = APP, **more: Any) -> dict[str, Any]:
    """A sub-workflow node's data."""
    return {"type": "sub-workflow", "app_id": str(app_id), **more}


def ends(**outputs: str) -> dict[str, Any]:
    """An end node's data; each output is `node.variable`."""
    return {
        "type": "end",
        "outputs": [
            {"variable": name, "value_selector": selector.split(".")}
            for name, selector in outputs.items()
        ],
    }


def called(*nodes: dict[str, Any], inputs: tuple[dict[str, Any], ...] = ()) -> WorkflowDefinition:
    """A workflow behind a start node, `n0`, with these inputs."""
    made = chain(*nodes)
    graph: Any = made.graph
    graph["nodes"][0]["data"] = {"type": "start", "title": "N0", "variables": [*inputs]}
    return made.model_copy(update={"mode": "workflow"})


async def pinned(
    cluster: Cluster, definition: WorkflowDefinition, app_id: UUID = APP, **more: Any
) -> PinnedWorkflow:
    """What the published version of `app_id` is."""
    return PinnedWorkflow(
        ref=workflow_ref(app_id, None),
        app_id=app_id,
        version_id=uuid4(),
        workflow_hash=await cluster.register(definition),
        **more,
    )
