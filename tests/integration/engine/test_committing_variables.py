"""Conversation variables inside the group commit's transaction, against a real Postgres."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg
import pytest

from libs.common.database.asyncpg_pool import Pool, create_pool
from services.engine.app.ports.journal_store import VariableChange, Verdict
from services.engine.app.ports.run_store import Claim
from services.engine.domain.events.journal import JournalEvent, VariableUpdated
from services.engine.domain.variables.values import Value
from tests.support.databases import FreshDatabase
from tests.support.engine_harness import eventually
from tests.support.engine_stores import (
    DEFINITION,
    HASH,
    EngineStores,
    postgres_stores,
    request,
)

TENANT = UUID("00000000-0000-7000-8000-000000000001")
CONVERSATION = UUID(int=77)
_WAITERS = """
SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"""


@dataclass(slots=True)
class _Bench:
    stores: EngineStores
    pool: Pool

    async def claim(self) -> Claim:
        accepted = await self.stores.runs.accept(request(TENANT), worker=self.stores.workers[0])
        assert accepted.claim is not None
        return accepted.claim

    async def write(self, claim: Claim, value: Value, first_seq: int = 1) -> Verdict:
        return await self.stores.write(
            claim,
            first_seq,
            _events(value),
            conversation_id=CONVERSATION,
            changes={"n": VariableChange(first_seq, value)},
        )

    async def commit(self, *claims: Claim, batch: int, values: list[bytes]) -> list[int]:
        """The function itself: each run writes its first row and changes `n`."""
        count = len(claims)
        places = [*range(1, count + 1)]
        marks = ", ".join(f"${place}" for place in range(1, 20))
        return await self.pool.fetchval(
            f"SELECT engine.commit_batch_with_variables({marks})",
            self.stores.workers[0],
            [TENANT] * count,
            [claim.run_id for claim in claims],
            [claim.epoch for claim in claims],
            [1] * count,
            [1] * count,
            [batch + place for place in places],
            [b"[]"] * count,
            [],
            [],
            [],
            [],
            [],
            "x",
            places,
            [CONVERSATION] * count,
            ["n"] * count,
            [1] * count,
            values,
        )

    async def kept(self) -> Value:
        found = await self.stores.conversations.variables(TENANT, CONVERSATION)
        return found[0].value if found else "nothing"


def _events(value: Value) -> list[JournalEvent]:
    selector = ["conversation", "n"]
    return [VariableUpdated(at=1.0, node_id="as", frame="", selector=selector, value=value)]


@pytest.fixture
async def bench(migrated_database: FreshDatabase) -> AsyncIterator[_Bench]:
    async with (
        postgres_stores(migrated_database) as stores,
        await create_pool(migrated_database.url) as pool,
    ):
        await stores.workflows.put(TENANT, HASH, DEFINITION)
        for worker in stores.workers:
            await stores.leases.beat(worker, seconds=60.0)
        yield _Bench(stores, pool)


async def test_a_repeat_after_a_lost_answer_changes_nothing(bench: _Bench) -> None:
    first, other = await bench.claim(), await bench.claim()
    assert await bench.commit(first, batch=100, values=[b"1"]) == []
    assert await bench.write(other, 2) is Verdict.TAKEN
    assert await bench.commit(first, batch=100, values=[b"1"]) == []
    assert await bench.kept() == 2


async def test_a_repeat_beside_new_rows_changes_only_what_is_new(bench: _Bench) -> None:
    old, other, new = [await bench.claim() for _ in range(3)]
    assert await bench.commit(old, batch=100, values=[b"1"]) == []
    assert await bench.write(other, 2) is Verdict.TAKEN
    assert await bench.commit(old, new, batch=100, values=[b"1", b"3"]) == []
    found = await bench.stores.conversations.variables(TENANT, CONVERSATION)
    assert [(each.value, each.run_id) for each in found] == [(3, new.run_id)]


async def test_a_lost_run_changes_nothing_and_its_neighbour_does(bench: _Bench) -> None:
    kept, lost = await bench.claim(), await bench.claim()
    assert await bench.stores.runs.release(bench.stores.workers[0], [lost]) == 1
    assert await bench.commit(kept, lost, batch=100, values=[b"1", b"2"]) == [2]
    assert await bench.kept() == 1


async def test_of_two_runs_in_one_group_the_newer_has_the_last_word(bench: _Bench) -> None:
    older, newer = sorted(
        [await bench.claim(), await bench.claim()], key=lambda claim: claim.run_id
    )
    assert await bench.commit(older, newer, batch=100, values=[b"1", b"2"]) == []
    assert await bench.kept() == 2


async def test_event_and_variable_are_one_transaction(
    bench: _Bench, migrated_database: FreshDatabase
) -> None:
    """The connection dies while the function waits for the variable's row: the event that it had
    written by then is not there either, until the group is tried again as a whole."""
    claim, other = await bench.claim(), await bench.claim()
    await bench.write(other, 1)
    holder = await asyncpg.connect(migrated_database.admin_url)
    try:
        async with asyncio.timeout(20):
            transaction = holder.transaction()
            await transaction.start()
            await holder.execute("SELECT 1 FROM engine.conversation_variables FOR UPDATE")
            writing = asyncio.ensure_future(bench.write(claim, 2))
            await eventually(lambda: _is_waited_for(holder))
            await holder.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE query LIKE '%commit_batch_with_variables%' AND pid <> pg_backend_pid()"
            )
            assert await bench.stores.reader.read(TENANT, claim.run_id) == []
            assert await bench.kept() == 1
            await transaction.rollback()
            assert await writing is Verdict.TAKEN
    finally:
        await holder.close()
    assert [entry.seq for entry in await bench.stores.reader.read(TENANT, claim.run_id)] == [1]
    assert await bench.kept() == 2


async def test_nobody_forgets_another_tenants_variable_and_the_sweeper_sees_none(
    bench: _Bench, migrated_database: FreshDatabase
) -> None:
    claim = await bench.claim()
    await bench.write(claim, "of the tenant")
    assert await bench.pool.fetchval("SELECT count(*) FROM engine.conversation_variables") == 0
    assert await bench.pool.execute("DELETE FROM engine.conversation_variables") == "DELETE 0"
    assert await bench.kept() == "of the tenant"
    sweeper = await asyncpg.connect(migrated_database.sweeper_url)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await sweeper.execute("SELECT name FROM engine.conversation_variables")
    finally:
        await sweeper.close()


async def test_a_variable_of_many_conversations_at_once(bench: _Bench) -> None:
    """Groups of two workers that change the same ones wait for each other, never in a circle."""
    claims = [await bench.claim() for _ in range(20)]
    others = [
        (await bench.stores.runs.accept(request(TENANT), worker=bench.stores.workers[1])).claim
        for _ in range(20)
    ]
    conversations = [uuid4() for _ in range(5)]

    async def write(claim: Claim, by: int, place: int) -> Verdict:
        return await bench.stores.write(
            claim,
            1,
            _events(place),
            by=by,
            conversation_id=conversations[place % 5],
            changes={name: VariableChange(1, place) for name in ("b", "a", "é")},
        )

    async with asyncio.timeout(20):
        verdicts = await asyncio.gather(
            *(write(claim, 0, place) for place, claim in enumerate(claims)),
            *(write(other, 1, place) for place, other in enumerate(others) if other),
        )
    assert verdicts == [Verdict.TAKEN] * 40
    for conversation in conversations:
        found = await bench.stores.conversations.variables(TENANT, conversation)
        assert [each.name for each in found] == ["a", "b", "é"]
        assert len({(each.value, each.run_id) for each in found}) == 1


async def _is_waited_for(holder: asyncpg.Connection) -> bool:
    return await holder.fetchval(_WAITERS) > 0
