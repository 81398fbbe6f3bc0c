"""Write down how a run ended, once, whoever learns it first."""

from collections import OrderedDict
from datetime import UTC, datetime
from uuid import UUID

from libs.common.contracts.run_commands import TERMINAL_STATUSES, RunEnded
from libs.common.contracts.run_events import RunFinished
from libs.common.errors import NotFound
from services.backend.app.ports.run_repository import RunRepository
from services.backend.app.runs.engine_runs import EngineRuns
from services.backend.domain.runs.records import RunEnding, ending_of
from services.backend.domain.runs.run_joiner import RunJoiner

_REMEMBERED = 10_000


class RecordEnd:
    """The runs that ended here lately are remembered, so that the durable message about a run
    whose caller was answered here costs nothing."""

    def __init__(self, runs: RunRepository, engine: EngineRuns) -> None:
        self._runs = runs
        self._engine = engine
        self._done: OrderedDict[UUID, None] = OrderedDict()

    async def of_fact(self, fact: RunEnded) -> None:
        """From the engine's durable message."""
        ending = RunEnding(
            run_id=fact.run_id,
            status=fact.status,
            outputs=fact.outputs,
            error=fact.error,
            answer=fact.answer,
            total_tokens=fact.total_tokens,
            total_steps=fact.total_steps,
            exceptions_count=fact.exceptions_count,
            elapsed_seconds=fact.elapsed_seconds,
            finished_at=datetime.fromtimestamp(fact.finished_at, UTC),
            usage=fact.usage,
        )
        await self._finish(fact.tenant_id, ending)

    async def of_event(self, tenant_id: UUID, run_id: UUID, event: RunFinished, text: str) -> None:
        """From the run's last public event and its visible text, before a caller is answered."""
        await self._finish(tenant_id, ending_of(run_id, event, text))

    async def of_refusal(self, tenant_id: UUID, run_id: UUID, reason: str, at: datetime) -> None:
        """The engine will never take this run."""
        ending = RunEnding(
            run_id=run_id,
            status="failed",
            outputs={},
            error=reason,
            answer="",
            total_tokens=0,
            total_steps=0,
            exceptions_count=0,
            elapsed_seconds=0.0,
            finished_at=at,
            usage={},
        )
        await self._finish(tenant_id, ending)

    async def if_ended(self, tenant_id: UUID, run_id: UUID) -> bool:
        """Ask the engine whether the run has ended, and write it down then."""
        try:
            view = await self._engine.view(tenant_id, run_id)
        except NotFound:
            return False
        if view.status not in TERMINAL_STATUSES:
            return False
        joiner = RunJoiner()
        more = True
        while more:
            page = await self._engine.events(tenant_id, run_id, joiner.seq)
            for _ in joiner.read(page.events):
                pass
            more = page.more and bool(page.events)
        if joiner.finished is None:
            return False
        await self.of_event(tenant_id, run_id, joiner.finished, joiner.text)
        return True

    async def _finish(self, tenant_id: UUID, ending: RunEnding) -> None:
        if ending.run_id in self._done:
            return
        if not await self._runs.finish(tenant_id, ending):
            # Perhaps a run that another one called, and whose row is still to come.
            return
        self._done[ending.run_id] = None
        if len(self._done) > _REMEMBERED:
            self._done.popitem(last=False)
