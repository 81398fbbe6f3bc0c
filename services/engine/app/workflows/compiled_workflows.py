"""Workflows ready to run, kept by content hash."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from libs.common.contracts.workflows import WorkflowDefinition
from services.engine.app.ports.workflow_store import WorkflowStore
from services.engine.domain.execution.compile_workflow import (
    CompiledWorkflow,
    compile_workflow,
    content_hash,
)
from services.engine.domain.graph.node_labels import NodeLabel, node_labels
from services.engine.domain.node_parts.called_workflow import KnownWorkflow
from services.engine.domain.node_parts.node_contract import NodeType
from services.engine.domain.variables.sizes import VARIABLE_BYTES

_RECENT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnableWorkflow:
    """A compiled workflow with what clients are shown of its nodes."""

    compiled: CompiledWorkflow
    labels: dict[str, NodeLabel]


class CompiledWorkflows:
    """At most `capacity` workflows, the least recently used go first. Equal content compiles
    equally for every tenant, but a tenant only gets what it registered itself. A variable
    of the conversation or the environment may have `variable_bytes`.

    The last few compiled are remembered whoever asked: what is validated is registered next."""

    def __init__(
        self,
        store: WorkflowStore,
        catalogue: Mapping[str, NodeType],
        *,
        capacity: int = 1000,
        variable_bytes: int = VARIABLE_BYTES,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._capacity = capacity
        self._variable_bytes = variable_bytes
        self._kept: OrderedDict[tuple[UUID, str], RunnableWorkflow] = OrderedDict()
        self._recent: OrderedDict[str, RunnableWorkflow] = OrderedDict()
        self._compiling = asyncio.Lock()

    async def compile(self, definition: WorkflowDefinition) -> RunnableWorkflow:
        """Never raises; what is wrong stands in the report."""
        # Megabytes of templates take seconds: on the loop they would cost the worker its lease.
        # One at a time, so that the loop competes with one thread at most.
        async with self._compiling:
            return await asyncio.to_thread(self._compiled, definition)

    async def compile_knowing(
        self, definition: WorkflowDefinition, called: Mapping[str, KnownWorkflow]
    ) -> CompiledWorkflow:
        """The same with what is known of the workflows that it calls, for its report: the next
        version of theirs may have other outputs."""
        async with self._compiling:
            return await asyncio.to_thread(
                compile_workflow,
                definition,
                self._catalogue,
                variable_bytes=self._variable_bytes,
                called=called,
            )

    def keep(self, tenant_id: UUID, workflow: RunnableWorkflow) -> None:
        key = (tenant_id, workflow.compiled.report.content_hash)
        self._kept[key] = workflow
        self._kept.move_to_end(key)
        while len(self._kept) > self._capacity:
            self._kept.popitem(last=False)

    async def get(self, tenant_id: UUID, content_hash: str) -> RunnableWorkflow:
        """Raises WorkflowUnknown."""
        key = (tenant_id, content_hash)
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found
        loaded = await self.compile(await self._store.get(tenant_id, content_hash))
        self.keep(tenant_id, loaded)
        return loaded

    def _compiled(self, definition: WorkflowDefinition) -> RunnableWorkflow:
        digest = content_hash(definition)
        found = self._recent.pop(digest, None)
        if found is None:
            found = RunnableWorkflow(
                compiled=compile_workflow(
                    definition,
                    self._catalogue,
                    digest=digest,
                    variable_bytes=self._variable_bytes,
                ),
                labels=node_labels(definition),
            )
        self._recent[digest] = found
        if len(self._recent) > _RECENT:
            self._recent.popitem(last=False)
        return found
