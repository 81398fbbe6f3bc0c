"""Which answers of the ledger wait for the disk."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from libs.common.clock import SystemClock
from libs.common.contracts.envelope import Effect, EffectClass
from libs.common.database.asyncpg_pool import Pool, PooledConnection
from libs.common.database.tenant_transaction import tenant_transaction
from libs.common.identifiers import uuid7
from libs.common.keyed_calls.ledger import Claimed
from libs.common.keyed_calls.postgres_ledger import PostgresLedger
from libs.common.keyed_calls.settle_statement import NewClaim, NewEnd, settling

_SCHEMA = "plugin"
_TENANT = uuid7()


class _Call:
    """What a process says of calls of one run, each in a transaction of its own."""

    def __init__(self, connection: PooledConnection) -> None:
        self._connection = connection
        self._holder = uuid4()
        self.run_id = uuid7()

    def claim(self, key: str, kind: EffectClass, *, epoch: int = 1) -> NewClaim:
        effect = Effect(
            run_id=self.run_id, epoch=epoch, key=key, request_hash="h", effect_class=kind
        )
        return NewClaim(tenant_id=_TENANT, effect=effect, repeatable=True)

    def end(self, key: str) -> NewEnd:
        return NewEnd(tenant_id=_TENANT, key=key, claim_number=1, status="done", payload=b"x")

    async def waits(self, *claims: NewClaim, ends: tuple[NewEnd, ...] = ()) -> bool:
        """Whether the commit waits for the disk."""
        statement, columns = settling(_SCHEMA, claims, ends)
        async with self._connection.transaction():
            # The tests' server is told not to wait for anything.
            await self._connection.execute("SET LOCAL synchronous_commit = on")
            await self._connection.fetch(
                statement, str(_TENANT), self._holder, timedelta(seconds=10), b"", *columns
            )
            return await self._connection.fetchval("SHOW synchronous_commit") == "on"


@pytest.fixture
async def call(pool: Pool) -> AsyncIterator[_Call]:
    async with pool.acquire() as connection:
        call = _Call(connection)
        # Its lease and the run's epoch are written with the first.
        assert await call.waits(call.claim("first", "idempotent"))
        yield call


async def test_a_claim_that_may_be_forgotten_does_not_wait(call: _Call) -> None:
    assert not await call.waits(call.claim("a", "idempotent"), call.claim("b", "idempotent"))


@pytest.mark.parametrize("kind", ["model", "keyed", "unsafe"])
async def test_every_other_claim_waits(call: _Call, kind: EffectClass) -> None:
    assert await call.waits(call.claim("a", kind))


async def test_one_that_waits_has_its_neighbours_wait(call: _Call) -> None:
    assert await call.waits(call.claim("a", "idempotent"), call.claim("b", "unsafe"))


async def test_results_wait(call: _Call) -> None:
    assert await call.waits(ends=(call.end("first"),))
    assert await call.waits(call.claim("a", "idempotent"), ends=(call.end("first"),))


async def test_a_higher_epoch_waits(call: _Call) -> None:
    assert await call.waits(call.claim("a", "idempotent", epoch=2))
    assert not await call.waits(call.claim("b", "idempotent", epoch=2))


async def test_a_run_that_was_not_seen_before_waits(call: _Call) -> None:
    call.run_id = uuid7()
    assert await call.waits(call.claim("other", "idempotent"))


async def test_a_claim_that_was_forgotten_is_made_anew_and_the_older_result_stays_out(
    pool: Pool,
) -> None:
    """As after a server that lost its memory: nobody is told what the ledger does not know."""
    ledgers = [
        PostgresLedger(pool, schema=_SCHEMA, holder=uuid4(), clock=SystemClock()) for _ in range(2)
    ]
    effect = Effect(
        run_id=uuid7(), epoch=1, key="lost", request_hash="h", effect_class="idempotent"
    )
    try:
        await ledgers[0].claim(_TENANT, effect, repeatable=True)
        async with tenant_transaction(pool, _TENANT) as connection:
            await connection.execute("DELETE FROM plugin.call_claims WHERE key = 'lost'")
        assert not await ledgers[0].record(_TENANT, "lost", 1, "done", b"older")
        again = await ledgers[1].claim(_TENANT, effect, repeatable=True)
        assert again == Claimed(claim_number=1)
        assert await ledgers[1].record(_TENANT, "lost", 1, "done", b"newer")
    finally:
        for ledger in ledgers:
            await ledger.step_down()


def test_the_statement_names_what_it_brings() -> None:
    call_id = UUID(int=1)
    end = NewEnd(tenant_id=call_id, key="k", claim_number=3, status="done", payload=b"x")
    statement, columns = settling(_SCHEMA, (), (end,))
    assert "'{}', '{}', '{}', '{}', '{}', '{}', '{}', $5::text::uuid[]" in statement
    assert columns == (f"{{{call_id.hex}}}", ["k"], "{3}", ["done"], [b"x"])
