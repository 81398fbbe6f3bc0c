"""An engine that freezes past its lease, loses its runs, and then goes on as if nothing were."""

import asyncio
from dataclasses import dataclass

import pytest

from services.engine.app.ports.journal_store import Verdict
from tests.chaos.profile import LEASE_SECONDS, rounds
from tests.chaos.recovery import Recovery
from tests.chaos.stage import Round, Stage
from tests.chaos.stale_owner import stale_call, stale_write
from tests.support.platform import Platform, Replica
from tests.support.settled import settled

pytestmark = pytest.mark.timeout(300)

_TAKEN_SECONDS = LEASE_SECONDS + 5.0
_LAPSE_SECONDS = 10.0
_CALLED_SECONDS = 5.0


@dataclass(slots=True)
class _Freezing:
    """Freezes `engine` until all its runs have another owner; then tries what it might try: one
    write and one call under the epoch that it had."""

    engine: Replica
    called: str = ""
    wrote: Verdict | None = None

    async def __call__(self, round_: Round) -> None:
        database, platform = round_.database, round_.platform

        async def all_taken() -> bool:
            taken, orphans = await database.ownership()
            return taken > 0 and orphans == 0

        async def new_owner_called() -> bool:
            return bool(await database.runs_called_again())

        round_.strike()
        self.engine.freeze()
        await settled(all_taken, within=_TAKEN_SECONDS)
        self.engine.thaw()
        # What fences a call is the highest epoch that its callee has seen.
        await settled(new_owner_called, within=_CALLED_SECONDS)
        run_id = (await database.runs_called_again())[0]
        last = (await database.journal(run_id))[-1].last_seq
        self.wrote = await stale_write(platform, database.tenant, run_id, last + 1)
        self.called = await stale_call(platform, database.tenant, run_id)


@pytest.mark.parametrize("number", rounds(2 / 12))
async def test_an_engine_that_wakes_up_late_can_do_no_harm(
    stage: Stage, recovery: Recovery, number: int
) -> None:
    second = await asyncio.to_thread(stage.platform.add, "engine")
    freezing = _Freezing(second)
    try:
        result = await stage.play("engine frozen", number, freezing)
        await settled(lambda: _stopped_its_runs(stage.platform), within=_LAPSE_SECONDS)
    finally:
        second.thaw()
        stage.platform.replicas["engine"].remove(second)
        await asyncio.to_thread(second.child.stop)
    assert freezing.wrote is Verdict.LOST
    assert freezing.called in {"stale_epoch", "run_ended"}
    asked = result.round.load.calls(stage.upstream)
    assert set(asked.values()) == {1}, "a call was doubled"
    recovery.add("engine frozen", recovered=result.claimed_again(), ended=result.ended())


async def _stopped_its_runs(platform: Platform) -> bool:
    return "the lease lapsed" in platform.log("engine", 1)
