"""Taking responsibility for a run."""

from uuid import UUID

from libs.common.contracts.run_commands import AcceptRun, RunAccepted
from libs.common.errors import Unavailable
from libs.common.messaging.bus import MessageBus
from services.engine.app.errors import RunIdOutOfRange
from services.engine.app.ports.run_store import Acceptance, RunStore
from services.engine.app.runs.ring_doorbell import ring_doorbell
from services.engine.app.worker import Worker
from services.engine.app.workflows.compiled_workflows import CompiledWorkflows

_UUID_VERSION = 7


class AcceptRunUseCase:
    def __init__(
        self, runs: RunStore, workflows: CompiledWorkflows, worker: Worker, bus: MessageBus
    ) -> None:
        self._runs = runs
        self._workflows = workflows
        self._worker = worker
        self._bus = bus

    async def execute(self, request: AcceptRun) -> RunAccepted:
        """Committed when it returns. With room here and nobody of its group waiting, the run is
        this worker's in the same commit. Raises WorkflowUnknown, RunIdOutOfRange, Unavailable."""
        if request.run_id.version != _UUID_VERSION:
            raise RunIdOutOfRange("`run_id` must be a UUIDv7.")
        for each in request.sub_workflows:
            # What it may call has to be there when it does.
            await self._workflows.get(request.tenant_id, each.workflow_hash)
        accepted = await self._accepted(request, self._worker.claimant(request.tenant_id))
        if accepted.claim is not None:
            self._worker.take(accepted.claim)
        elif accepted.status == "queued" and not accepted.waits:
            await ring_doorbell(self._bus, request.tenant_id, request.run_id, 0)
        return RunAccepted(
            run_id=request.run_id, status=accepted.status, already_known=accepted.already_known
        )

    async def _accepted(self, request: AcceptRun, claimant: UUID | None) -> Acceptance:
        try:
            accepted = await self._runs.accept(request, worker=claimant)
        except Unavailable:
            if claimant is not None:
                self._worker.claim_unheard()
            raise
        if claimant is not None and accepted.claim is None and accepted.status == "running":
            # Perhaps ours since an earlier try, whose answer never came.
            self._worker.claim_unheard()
        return accepted
