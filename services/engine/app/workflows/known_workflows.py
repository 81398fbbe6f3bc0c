"""What the workflows that others call declare, as far as they are registered."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from libs.common.contracts.envelope import EffectClass
from libs.common.contracts.run_forks import NodeEffect
from services.engine.app.errors import WorkflowUnknown
from services.engine.app.workflows.compiled_workflows import CompiledWorkflows
from services.engine.app.workflows.known_tools import KnownTools
from services.engine.domain.execution.called_workflows import declared_outputs, refs_in
from services.engine.domain.execution.compile_workflow import CompiledWorkflow
from services.engine.domain.execution.compiled_frame import CompiledNode
from services.engine.domain.forks.executed_nodes import effect_of, greatest_effect
from services.engine.domain.node_parts.called_tool import CallsTool
from services.engine.domain.node_parts.called_workflow import CallsWorkflow, KnownWorkflow

Pins = Mapping[str, str]
"""Content hashes of called workflows, by reference; also of those that these call."""


class KnownWorkflows:
    """Of one tenant's workflows, looked up by their content hashes."""

    def __init__(self, workflows: CompiledWorkflows, tools: KnownTools) -> None:
        self._workflows = workflows
        self._tools = tools

    async def of(
        self, tenant_id: UUID, pins: Pins, refs: Iterable[str]
    ) -> dict[str, KnownWorkflow]:
        """By reference; those that nobody registered are left out."""
        found: dict[str, KnownWorkflow] = {}
        for ref in dict.fromkeys(refs):
            called = await self._called(tenant_id, pins, ref)
            if called is not None:
                found[ref] = KnownWorkflow(
                    outputs=declared_outputs(called),
                    inputs=called.report.start_variables,
                    effect_class=await self._effect(tenant_id, pins, ref, ()),
                )
        return found

    async def effects(
        self, tenant_id: UUID, pins: Pins, refs: Iterable[str]
    ) -> dict[str, NodeEffect]:
        """The most that each may do to the world; what is not known may do anything."""
        return {ref: await self._effect(tenant_id, pins, ref, ()) for ref in dict.fromkeys(refs)}

    async def _effect(
        self, tenant_id: UUID, pins: Pins, ref: str, around: tuple[str, ...]
    ) -> NodeEffect:
        called = await self._called(tenant_id, pins, ref)
        if called is None or ref in around:
            return "unsafe"
        below: dict[str, NodeEffect] = {
            each: await self._effect(tenant_id, pins, each, (*around, ref))
            for each in refs_in(called)
        }
        tools: Mapping[str, EffectClass] = {}
        if any(isinstance(node.node, CallsTool) for node in called.nodes):
            tools = await self._tools.effect_classes() or {}
        return greatest_effect(_effect_of(node, below, tools) for node in called.nodes)

    async def _called(self, tenant_id: UUID, pins: Pins, ref: str) -> CompiledWorkflow | None:
        content_hash = pins.get(ref)
        if content_hash is None:
            return None
        try:
            return (await self._workflows.get(tenant_id, content_hash)).compiled
        except WorkflowUnknown:
            return None


def _effect_of(
    node: CompiledNode, below: Mapping[str, NodeEffect], tools: Mapping[str, EffectClass]
) -> NodeEffect:
    if isinstance(node.node, CallsWorkflow):
        return below.get(node.node.ref, "unsafe")
    if isinstance(node.node, CallsTool):
        return tools.get(node.node.tool, "unsafe")
    return effect_of(node)
