"""The engine's runs, as the backend asks for them."""

from dataclasses import dataclass
from uuid import UUID, uuid5

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.run_commands import (
    AbortRun,
    AcceptRun,
    CommandAccepted,
    PauseRun,
    ResumeRun,
    RunAccepted,
    RunStatus,
    UpdateVariables,
)
from libs.common.contracts.run_queries import (
    RunEventsPage,
    RunEventsQuery,
    RunQuery,
    RunsQuery,
    RunSummaries,
    RunSummary,
    RunTrace,
    RunView,
    TraceQuery,
)
from libs.common.contracts.subjects import (
    ABORT_RUN,
    ACCEPT_RUN,
    PAUSE_RUN,
    RESUME_RUN,
    RUN_EVENTS,
    RUN_TRACE,
    RUN_VIEW,
    RUNS,
    UPDATE_VARIABLES,
)
from libs.common.errors import HeddleError, NotFound
from libs.common.messaging.bus import MessageBus
from services.backend.app.apps.engine_workflows import EngineWorkflows
from services.backend.app.ports.app_repository import AppRepository

_SECONDS = 10.0
_WORKFLOW_UNKNOWN = "workflow_unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRuns:
    """Raises Unavailable and UpstreamTimeout as the bus does, NotFound for an unknown run."""

    bus: MessageBus
    apps: AppRepository
    workflows: EngineWorkflows

    async def accept(self, acceptance: AcceptRun, version_id: UUID) -> RunAccepted:
        """Hand a run over; registers its workflow, and those that it may call, where the engine
        does not know them yet."""
        try:
            return await self._accept(acceptance)
        except HeddleError as error:
            if error.code != _WORKFLOW_UNKNOWN:
                raise
        tenant_id = acceptance.tenant_id
        for each in acceptance.sub_workflows:
            await self._register(tenant_id, each.app_id, each.version_id)
        # The test of a draft's node is of no version, and was registered for it.
        known = await self._register(tenant_id, acceptance.app_id, version_id)
        if not known and not acceptance.sub_workflows:
            raise NotFound("The run's version of the app is gone.")
        return await self._accept(acceptance)

    async def abort(self, tenant_id: UUID, run_id: UUID, reason: str) -> CommandAccepted:
        """Idempotent: one run is stopped by one command, however often it is sent."""
        command = AbortRun(
            tenant_id=tenant_id, run_id=run_id, command_id=uuid5(run_id, "stop"), reason=reason
        )
        return await self.bus.request(
            ABORT_RUN, command, envelope=Envelope(tenant_id=tenant_id), timeout=_SECONDS
        )

    async def resume(self, tenant_id: UUID, run_id: UUID, command_id: UUID) -> CommandAccepted:
        command = ResumeRun(tenant_id=tenant_id, run_id=run_id, command_id=command_id)
        return await self.bus.request(
            RESUME_RUN, command, envelope=Envelope(tenant_id=tenant_id), timeout=_SECONDS
        )

    async def pause(self, command: PauseRun) -> CommandAccepted:
        return await self.bus.request(
            PAUSE_RUN, command, envelope=Envelope(tenant_id=command.tenant_id), timeout=_SECONDS
        )

    async def update_variables(self, command: UpdateVariables) -> CommandAccepted:
        return await self.bus.request(
            UPDATE_VARIABLES,
            command,
            envelope=Envelope(tenant_id=command.tenant_id),
            timeout=_SECONDS,
        )

    async def summaries(self, tenant_id: UUID, run_ids: list[UUID]) -> tuple[RunSummary, ...]:
        """Those of the runs that the engine knows."""
        return (await self._runs(RunsQuery(tenant_id=tenant_id, run_ids=tuple(run_ids)))).runs

    async def of_status(
        self,
        tenant_id: UUID,
        status: RunStatus,
        *,
        app_id: UUID | None,
        before: UUID | None,
        limit: int,
    ) -> RunSummaries:
        return await self._runs(
            RunsQuery(tenant_id=tenant_id, status=status, app_id=app_id, before=before, limit=limit)
        )

    async def view(self, tenant_id: UUID, run_id: UUID) -> RunView:
        return await self.bus.request(
            RUN_VIEW,
            RunQuery(tenant_id=tenant_id, run_id=run_id),
            envelope=Envelope(tenant_id=tenant_id),
            timeout=_SECONDS,
        )

    async def trace(self, tenant_id: UUID, run_id: UUID, *, after_seq: int, limit: int) -> RunTrace:
        return await self.bus.request(
            RUN_TRACE,
            TraceQuery(tenant_id=tenant_id, run_id=run_id, after_seq=after_seq, limit=limit),
            envelope=Envelope(tenant_id=tenant_id),
            timeout=_SECONDS,
        )

    async def events(self, tenant_id: UUID, run_id: UUID, after_seq: int) -> RunEventsPage:
        return await self.bus.request(
            RUN_EVENTS,
            RunEventsQuery(tenant_id=tenant_id, run_id=run_id, after_seq=after_seq),
            envelope=Envelope(tenant_id=tenant_id),
            timeout=_SECONDS,
        )

    async def _runs(self, query: RunsQuery) -> RunSummaries:
        return await self.bus.request(
            RUNS, query, envelope=Envelope(tenant_id=query.tenant_id), timeout=_SECONDS
        )

    async def _register(self, tenant_id: UUID, app_id: UUID, version_id: UUID) -> bool:
        version = await self.apps.version(tenant_id, app_id, version_id)
        if version is not None:
            await self.workflows.register(tenant_id, version.definition)
        return version is not None

    async def _accept(self, acceptance: AcceptRun) -> RunAccepted:
        return await self.bus.request(
            ACCEPT_RUN,
            acceptance,
            envelope=Envelope(tenant_id=acceptance.tenant_id),
            timeout=_SECONDS,
        )
