"""Ask the engine what a replay or a fork would do."""

from dataclasses import dataclass

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.run_forks import ForkPlan, PlanFork
from libs.common.contracts.subjects import PLAN_FORK
from libs.common.contracts.workflows import WorkflowDefinition
from libs.common.errors import HeddleError
from libs.common.messaging.bus import MessageBus
from services.backend.app.apps.engine_workflows import EngineWorkflows

_SECONDS = 60.0
_WORKFLOW_UNKNOWN = "workflow_unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineForks:
    """Raises Unavailable and UpstreamTimeout as the bus does."""

    bus: MessageBus
    workflows: EngineWorkflows

    async def plan(self, asked: PlanFork, definition: WorkflowDefinition | None) -> ForkPlan:
        """Registers `definition`, that of the version asked for, where the engine does not know it
        yet. Raises what the engine refuses with: `run_under_way`, `fork_refused`."""
        try:
            return await self._plan(asked)
        except HeddleError as error:
            if error.code != _WORKFLOW_UNKNOWN or definition is None:
                raise
        await self.workflows.register(asked.tenant_id, definition)
        return await self._plan(asked)

    async def _plan(self, asked: PlanFork) -> ForkPlan:
        return await self.bus.request(
            PLAN_FORK, asked, envelope=Envelope(tenant_id=asked.tenant_id), timeout=_SECONDS
        )
