"""Parked runs in memory."""

from collections.abc import Sequence
from uuid import UUID

from libs.common.contracts.run_commands import TimerDue
from libs.common.identifiers import uuid7
from services.engine.app.ports.parking_store import Parked, WokenRun
from services.engine.app.ports.run_store import Claim
from services.engine.domain.execution.step import Timer
from services.engine.infra.in_memory.engine_state import EngineState, RunRow


class InMemoryParkingStore:
    """Implements ParkingStore."""

    def __init__(self, state: EngineState) -> None:
        self._state = state

    async def park(
        self, worker: UUID, claim: Claim, timers: Sequence[Timer], done: Sequence[UUID]
    ) -> Parked:
        row = self._state.runs[claim.tenant_id, claim.run_id]
        if (row.epoch, row.status) == (claim.epoch, "parked"):
            return Parked.PARKED
        if (row.owner, row.epoch, row.status) != (worker, claim.epoch, "running"):
            return Parked.LOST
        row.drained.update(done)
        if row.undrained():
            return Parked.COMMANDED
        row.timers = {key: due for key, due in row.timers.items() if key[0] != "wait"}
        row.timers |= {("wait", timer.timer_id): timer.due for timer in timers}
        row.status, row.owner = "parked", None
        return Parked.PARKED

    async def fire_due(self, most: int) -> list[WokenRun]:
        now = self._state.now()
        woken: list[WokenRun] = []
        for row in self._state.live:
            if row.timers and len(woken) < most:
                due = [timer for timer, instant in row.timers.items() if instant <= now]
                told = [self._fire(row, kind, ref) for kind, ref in due]
                if any(told):
                    woken.append(WokenRun(*row.key, row.status, row.epoch))
        return woken

    def _fire(self, row: RunRow, kind: str, ref: str) -> bool:
        del row.timers[kind, ref]
        if kind == "form":
            form = next((each for each in row.forms.values() if each.key == ref), None)
            if form is None or form.status != "open":
                return False
            form.status, form.acted_at = "expired", self._state.now()
        row.put_command(
            TimerDue(
                tenant_id=row.request.tenant_id,
                run_id=row.request.run_id,
                command_id=uuid7(),
                timer="form" if kind == "form" else "wait",
                ref=ref,
            )
        )
        return True
