"""What parking, commands and timers do when two of them meet."""

import asyncio
from uuid import UUID, uuid4

import pytest

from libs.common.contracts.run_commands import PauseRun
from libs.common.database.asyncpg_pool import Connection
from services.engine.app.ports.parking_store import Parked
from services.engine.app.ports.run_store import Claim
from services.engine.domain.execution.step import Timer
from services.engine.infra.postgres.command_store import PostgresCommandStore
from services.engine.infra.postgres.parking_store import PostgresParkingStore
from tests.integration.engine.commit_bench import CommitBench, blocked
from tests.support.engine_harness import TENANT

_ADD = "SELECT * FROM engine.add_command($1, $2, $3, 'pause', $4)"
_PARK = "SELECT engine.park_run($1, $2, $3, $4, '{}', '{}', '{}')"
_DUE = Timer(timer_id="t", due=1.0)
_FIRE = "SELECT * FROM engine.fire_timers($1, $2)"


@pytest.fixture
def parking(bench: CommitBench) -> PostgresParkingStore:
    return PostgresParkingStore(bench.pool, bench.pool)


def _pause(run_id: UUID) -> PauseRun:
    return PauseRun(tenant_id=TENANT, run_id=run_id, command_id=uuid4())


async def _status(bench: CommitBench, claim: Claim) -> str:
    return (await bench.runs.find(TENANT, claim.run_id)).status


async def test_a_command_that_is_being_sent_keeps_its_run_from_being_parked(
    bench: CommitBench, parking: PostgresParkingStore, beside: Connection
) -> None:
    claim = await bench.claim()
    sent = _pause(claim.run_id)
    async with asyncio.timeout(10):
        async with beside.transaction():
            body = sent.model_dump_json().encode()
            await beside.fetch(_ADD, TENANT, claim.run_id, sent.command_id, body)
            parked = asyncio.ensure_future(parking.park(bench.worker, claim, (), ()))
            await blocked(beside)
        assert await parked is Parked.COMMANDED
    assert await _status(bench, claim) == "running"


async def test_a_command_to_a_run_that_is_being_parked_queues_it(
    bench: CommitBench, beside: Connection
) -> None:
    claim = await bench.claim()
    async with asyncio.timeout(10):
        async with beside.transaction():
            place = (bench.worker, TENANT, claim.run_id, claim.epoch)
            assert await beside.fetchval(_PARK, *place) == "parked"
            sent = asyncio.ensure_future(
                PostgresCommandStore(bench.pool, bench.pool).add(_pause(claim.run_id))
            )
            await blocked(beside)
        told = await sent
    assert (told.applied, told.status) == (True, "queued")
    assert await _status(bench, claim) == "queued"


async def test_what_another_sweep_has_under_its_hands_is_not_waited_for(
    bench: CommitBench, parking: PostgresParkingStore, beside: Connection
) -> None:
    claim = await bench.claim()
    assert await parking.park(bench.worker, claim, [_DUE], ()) is Parked.PARKED
    async with asyncio.timeout(10):
        async with beside.transaction():
            assert len(await beside.fetch(_FIRE, [TENANT], [claim.run_id])) == 1
            again = await beside.fetchval("SELECT count(*) FROM engine.run_timers")
            assert (again, await _fired(bench, claim)) == (0, 0)
    assert await _status(bench, claim) == "queued"


async def test_a_timer_and_its_command_are_one_transaction(
    bench: CommitBench, parking: PostgresParkingStore, beside: Connection
) -> None:
    claim = await bench.claim()
    assert await parking.park(bench.worker, claim, [_DUE], ()) is Parked.PARKED
    transaction = beside.transaction()
    await transaction.start()
    assert len(await beside.fetch(_FIRE, [TENANT], [claim.run_id])) == 1
    await transaction.rollback()
    assert await _status(bench, claim) == "parked"
    assert await _fired(bench, claim) == 1
    assert await beside.fetchval("SELECT count(*) FROM engine.run_commands") == 1


async def _fired(bench: CommitBench, claim: Claim) -> int:
    return len(await bench.pool.fetch(_FIRE, [TENANT], [claim.run_id]))
