"""What would happen if a run began from another one."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from libs.common.contracts.run_commands import TERMINAL_STATUSES
from libs.common.contracts.run_forks import (
    ExecutedNode,
    ForkPlan,
    NodeEffect,
    Obstacle,
    PlanFork,
    TakenNode,
)
from libs.common.errors import ErrorDetail
from services.engine.app.errors import ForkRefused, RunUnderWay
from services.engine.app.ports.journal_store import JournalReader
from services.engine.app.ports.run_store import RunRecord, RunStore
from services.engine.app.runs.kept_history import with_history
from services.engine.app.runs.origin_story import origin_story
from services.engine.app.workflows.compiled_workflows import CompiledWorkflows, RunnableWorkflow
from services.engine.app.workflows.known_tools import KnownTools
from services.engine.app.workflows.known_workflows import KnownWorkflows
from services.engine.domain.events import journal
from services.engine.domain.execution.called_workflows import refs_in
from services.engine.domain.execution.compiled_frame import CompiledNode
from services.engine.domain.forks.edited_outputs import refused_edits
from services.engine.domain.forks.executed_nodes import container_of, effect_of, nodes_inside
from services.engine.domain.forks.plan_fork import ForkOutline, ForkPlanner, PlannedNode
from services.engine.domain.forks.stored_files import holds_stored_files
from services.engine.domain.forks.workflow_changes import WorkflowChanges
from services.engine.domain.node_parts.called_tool import CallsTool
from services.engine.domain.node_parts.called_workflow import CallsWorkflow


class PlanForkUseCase:
    """Changes nothing; any replica can answer."""

    def __init__(
        self,
        runs: RunStore,
        journal: JournalReader,
        workflows: CompiledWorkflows,
        tools: KnownTools,
        called: KnownWorkflows,
    ) -> None:
        self._runs = runs
        self._journal = journal
        self._workflows = workflows
        self._tools = tools
        self._called = called

    async def execute(self, asked: PlanFork) -> ForkPlan:
        """Raises RunUnknown, HistoryGone, RunUnderWay, WorkflowUnknown, ForkRefused,
        JournalUnreadable."""
        record = with_history(await self._runs.find(asked.tenant_id, asked.run_id))
        if record.status not in TERMINAL_STATUSES:
            raise _under_way(record)
        wanted = await self._workflows.get(asked.tenant_id, asked.workflow_hash)
        ran = await self._workflows.get(asked.tenant_id, record.workflow_hash)
        started, story = await origin_story(self._journal, asked.tenant_id, asked.run_id)
        ran, wanted = _begun(ran, started.root), _begun(wanted, started.root)
        _check_node(wanted, asked.from_node)
        planner = ForkPlanner(story, ran.compiled, wanted.compiled, asked.from_node)
        # Folding a long one would hold up the runs of this worker.
        outline = await asyncio.to_thread(planner.plan)
        refused = tuple(refused_edits(wanted.compiled, outline.taken, asked.outputs))
        if refused:
            raise ForkRefused(refused[0].message, details=refused)
        classes = await self._classes(wanted, asked)
        return ForkPlan(
            takes=tuple(_taken(wanted, outline, planner.changes, asked)),
            executes=tuple(_executed(wanted, outline.executed, classes)),
            gone=tuple(outline.gone),
            obstacles=tuple(_obstacles(outline, started, asked)),
        )

    async def _classes(self, wanted: RunnableWorkflow, asked: PlanFork) -> Mapping[str, NodeEffect]:
        """Of the tools and of the workflows that it calls, by their names."""
        refs = refs_in(wanted.compiled)
        called = await self._called.effects(asked.tenant_id, asked.sub_workflows, refs)
        if any(isinstance(node.node, CallsTool) for node in wanted.compiled.nodes):
            # While nobody can tell, a tool may do anything.
            return {**(await self._tools.effect_classes() or {}), **called}
        return called


def _under_way(record: RunRecord) -> RunUnderWay:
    return RunUnderWay(
        f"The run is {record.status}. Wait for its end or stop it, then begin from it.",
        extra={"run_id": str(record.run_id), "run_status": record.status},
    )


def _begun(workflow: RunnableWorkflow, root: str | None) -> RunnableWorkflow:
    compiled = workflow.compiled.begun_with(root)
    if compiled is None:
        raise ForkRefused(f"No run of this version begins with `{root}`, as its origin did.")
    return replace(workflow, compiled=compiled)


def _check_node(wanted: RunnableWorkflow, node_id: str | None) -> None:
    if node_id is None:
        return
    container = container_of(wanted.compiled, node_id)
    if container is not None:
        raise _refused_node(f"`{node_id}` runs inside `{container}`: fork from `{container}`.")
    graph = wanted.compiled.graph
    if node_id not in graph.index_of:
        raise _refused_node(f"There is no node `{node_id}` in this version.")
    if graph.index_of[node_id] not in graph.reachable():
        raise _refused_node(f"Nothing leads to `{node_id}`, so no run executes it.")


def _refused_node(message: str) -> ForkRefused:
    return ForkRefused(message, details=(ErrorDetail(pointer="/from_node", message=message),))


def _taken(
    wanted: RunnableWorkflow, outline: ForkOutline, changes: WorkflowChanges, asked: PlanFork
) -> Iterator[TakenNode]:
    for node_id, end in outline.taken.items():
        edited = asked.outputs.get(node_id, {})
        place = wanted.compiled.graph.nodes[wanted.compiled.graph.index_of[node_id]]
        yield TakenNode(
            node_id=node_id,
            title=place.title,
            node_type=place.type,
            status="succeeded" if isinstance(end, journal.NodeSucceeded) else "exception",
            changed=changes.configures_anew(node_id),
            edited=tuple(edited),
            holds_files=holds_stored_files(
                {name: value for name, value in end.outputs.items() if name not in edited}
            ),
        )


def _executed(
    wanted: RunnableWorkflow,
    planned: Sequence[PlannedNode],
    classes: Mapping[str, NodeEffect],
) -> Iterator[ExecutedNode]:
    compiled = wanted.compiled
    for each in planned:
        node = compiled.nodes[compiled.graph.index_of[each.node_id]]
        yield _shown(node, each, classes, inside=None)
        for inner in nodes_inside(compiled, each.node_id):
            yield _shown(inner, each, classes, inside=each.node_id)


def _shown(
    node: CompiledNode,
    planned: PlannedNode,
    classes: Mapping[str, NodeEffect],
    *,
    inside: str | None,
) -> ExecutedNode:
    return ExecutedNode(
        node_id=node.place.id,
        title=node.place.title,
        node_type=node.place.type,
        effect_class=_effect(node, classes),
        reason=planned.reason,
        inside=inside,
    )


def _effect(node: CompiledNode, classes: Mapping[str, NodeEffect]) -> NodeEffect:
    if isinstance(node.node, CallsTool):
        return classes.get(node.node.tool, "unsafe")
    if isinstance(node.node, CallsWorkflow):
        return classes.get(node.node.ref, "unsafe")
    return effect_of(node)


def _obstacles(
    outline: ForkOutline, started: journal.RunStarted, asked: PlanFork
) -> Iterator[Obstacle]:
    if asked.from_node is not None and asked.from_node not in {
        each.node_id for each in outline.executed
    }:
        yield Obstacle(
            code="not_reached",
            message=f"The run did not come to `{asked.from_node}`, and the branches that lead "
            "there stay as they were decided. Fork from the node that decided them.",
            node_id=asked.from_node,
        )
    if not outline.taken:
        return
    if started.semantics_version != journal.SEMANTICS_VERSION:
        yield Obstacle(
            code="other_semantics",
            message="The run is of another version of Heddle, whose results cannot be taken over. "
            "Replay it as a whole.",
        )
    # What was made of a secret is hidden and sealed by the secrets of the run that holds it.
    if any(asked.secrets.get(name) != version for name, version in started.secrets.items()):
        yield Obstacle(
            code="other_secrets",
            message="The run had secret environment values that this version does not have, or has "
            "with another value, so its results cannot be taken over. Fork from the first node.",
        )
