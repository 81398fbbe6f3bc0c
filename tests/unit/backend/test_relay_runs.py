"""One run that cannot be handed over never holds up the others."""

from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

from libs.common.clock import SystemClock
from services.backend.app.ports.run_repository import RunRepository
from services.backend.app.runs.hand_over import HandOver
from services.backend.app.runs.relay_runs import RelayRuns
from services.backend.domain.runs.records import WaitingRun

BROKEN, SOUND = UUID(int=1), UUID(int=2)


class Runs:
    async def waiting(self, *, older_than_seconds: float, limit: int) -> list[WaitingRun]:
        _ = older_than_seconds, limit
        return [WaitingRun(tenant_id=UUID(int=9), run_id=run) for run in (BROKEN, SOUND)]


@dataclass
class Handing:
    handed: list[UUID] = field(default_factory=list[UUID])

    async def waiting(self, tenant_id: UUID, run_id: UUID) -> None:
        _ = tenant_id
        if run_id == BROKEN:
            raise ValueError("its row cannot be read")
        self.handed.append(run_id)


async def test_a_row_that_cannot_be_read_is_passed_over() -> None:
    handing = Handing()
    relay = RelayRuns(
        runs=cast("RunRepository", Runs()),  # the relay only asks for what waits
        hand_over=cast("HandOver", handing),
        clock=SystemClock(),
    )
    assert await relay.once() == 2
    assert handing.handed == [SOUND]
