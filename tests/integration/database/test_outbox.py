"""Messages leave exactly with the transaction that wrote them, in order, and reach the bus."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar, cast
from uuid import UUID

import pytest
from pydantic import BaseModel

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.run_commands import Doorbell
from libs.common.contracts.subjects import RUN_DOORBELL, RUN_ENDED, DurableSubject
from libs.common.database.asyncpg_pool import Pool, PooledConnection
from libs.common.database.outbox_relay import OutboxRelay, RelayPace
from libs.common.database.outbox_rows import OutboxRows
from libs.common.database.tenant_transaction import tenant_transaction
from libs.common.errors import Unavailable
from libs.common.identifiers import uuid7
from libs.common.messaging.bus import MessageBus
from tests.support.manual_clock import ManualClock

M = TypeVar("M", bound=BaseModel)
_INSERT = "insert into engine.outbox (id, tenant_id, subject, body) values ($1, $2, $3, $4)"


@dataclass(slots=True)
class RecordingBus:
    """Keeps what was enqueued. `away` makes it unavailable, `dies` ends whoever asks."""

    sent: list[tuple[str, UUID | None, UUID]] = field(
        default_factory=list[tuple[str, UUID | None, UUID]]
    )
    away: bool = False
    dies: bool = False
    told: asyncio.Event = field(default_factory=asyncio.Event)

    async def enqueue(
        self, subject: DurableSubject[M], message: M, *, envelope: Envelope, message_id: str
    ) -> None:
        if self.away:
            raise Unavailable("the bus is away")
        if self.dies:
            raise asyncio.CancelledError
        assert isinstance(message, Doorbell)
        self.sent.append((message_id, envelope.tenant_id, message.run_id))
        self.told.set()


@dataclass(frozen=True, slots=True)
class Outbox:
    pool: Pool
    relay: OutboxRelay
    bus: RecordingBus
    rows: OutboxRows


@pytest.fixture
def outbox(pool: Pool, sweeper_pool: Pool) -> Outbox:
    bus = RecordingBus()
    rows = OutboxRows(pool, sweeper_pool, "engine")
    return Outbox(pool, _relay(rows, bus), bus, rows)


def _relay(rows: OutboxRows, bus: RecordingBus) -> OutboxRelay:
    # The relay uses `enqueue` alone; the rest of the bus has a suite of its own.
    return OutboxRelay(
        rows,
        cast("MessageBus", bus),
        [RUN_DOORBELL],
        clock=ManualClock(),
        pace=RelayPace(batch=10),
    )


async def _write(outbox: Outbox, tenant_id: UUID, count: int) -> list[UUID]:
    runs = [uuid7() for _ in range(count)]
    async with tenant_transaction(outbox.pool, tenant_id) as connection:
        for run_id in runs:
            await _add(connection, tenant_id, run_id)
    return runs


async def _add(connection: PooledConnection, tenant_id: UUID, run_id: UUID) -> None:
    bell = Doorbell(tenant_id=tenant_id, run_id=run_id)
    body = bell.model_dump_json().encode()
    await connection.execute(_INSERT, uuid7(), tenant_id, RUN_DOORBELL.name, body)


async def test_messages_are_sent_once_in_order_with_the_rows_id(outbox: Outbox) -> None:
    tenant_id = uuid7()
    runs = await _write(outbox, tenant_id, 25)
    assert await outbox.relay.send_waiting({tenant_id}) == 25
    assert [run_id for _, _, run_id in outbox.bus.sent] == runs
    assert {tenant for _, tenant, _ in outbox.bus.sent} == {tenant_id}
    assert len({message_id for message_id, _, _ in outbox.bus.sent}) == 25
    assert await outbox.relay.send_waiting({tenant_id}) == 0


async def test_a_transaction_that_fails_sends_nothing(outbox: Outbox) -> None:
    tenant_id = uuid7()

    async def fail() -> None:
        async with tenant_transaction(outbox.pool, tenant_id) as connection:
            await _add(connection, tenant_id, uuid7())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await outbox.rows.tenants_waiting(10) == []


async def test_a_relay_that_is_woken_sends_at_once(outbox: Outbox) -> None:
    # Its clock stands still: after the first message there is no further sweep.
    relaying = asyncio.create_task(outbox.relay.run())
    try:
        async with asyncio.timeout(5):
            runs = await _sent_after_a_wake(outbox)
            runs += await _sent_after_a_wake(outbox)
    finally:
        relaying.cancel()
        await asyncio.wait((relaying,))
    assert [run_id for _, _, run_id in outbox.bus.sent] == runs


async def _sent_after_a_wake(outbox: Outbox) -> list[UUID]:
    outbox.bus.told.clear()
    tenant_id = uuid7()
    runs = await _write(outbox, tenant_id, 1)
    outbox.relay.wake(tenant_id)
    await outbox.bus.told.wait()
    return runs


async def test_the_sweep_finds_what_another_process_left(
    outbox: Outbox, pool: Pool, sweeper_pool: Pool
) -> None:
    runs = await _write(outbox, uuid7(), 1)
    relay = _relay(OutboxRows(pool, sweeper_pool, "engine"), outbox.bus)
    relaying = asyncio.create_task(relay.run())
    try:
        async with asyncio.timeout(5):
            await outbox.bus.told.wait()
    finally:
        relaying.cancel()
        await asyncio.wait((relaying,))
    assert [run_id for _, _, run_id in outbox.bus.sent] == runs


async def test_a_bus_that_is_away_delays_the_rows(outbox: Outbox, pool: Pool) -> None:
    tenant_id = uuid7()
    runs = await _write(outbox, tenant_id, 3)
    outbox.bus.away = True
    with pytest.raises(Unavailable):
        await outbox.relay.send_waiting({tenant_id})
    outbox.bus.away = False
    assert await outbox.relay.send_waiting({tenant_id}) == 0
    await _all_due(pool, tenant_id)
    assert await outbox.relay.send_waiting({tenant_id}) == 3
    assert [run_id for _, _, run_id in outbox.bus.sent] == runs


async def test_what_a_relay_died_with_is_due_when_its_workers_lease_is_out(
    outbox: Outbox, pool: Pool
) -> None:
    tenant_id = uuid7()
    await _write(outbox, tenant_id, 3)
    outbox.bus.dies = True
    with pytest.raises(asyncio.CancelledError):
        await outbox.relay.send_waiting({tenant_id})
    within = "select max(due_at) - now() <= interval '10 s' from engine.outbox"
    async with tenant_transaction(pool, tenant_id) as connection:
        assert await connection.fetchval(within)


async def test_a_row_that_cannot_be_sent_holds_up_nobody(outbox: Outbox) -> None:
    tenant_id = uuid7()
    async with tenant_transaction(outbox.pool, tenant_id) as connection:
        await connection.execute(_INSERT, uuid7(), tenant_id, RUN_ENDED.name, b"{}")
    await _write(outbox, tenant_id, 1)
    assert await outbox.relay.send_waiting({tenant_id}) == 1


async def test_two_relays_never_send_the_same_row(outbox: Outbox) -> None:
    tenant_id = uuid7()
    await _write(outbox, tenant_id, 40)
    other = _relay(outbox.rows, outbox.bus)
    sent = await asyncio.gather(
        outbox.relay.send_waiting({tenant_id}), other.send_waiting({tenant_id})
    )
    assert sum(sent) == 40
    assert len({message_id for message_id, _, _ in outbox.bus.sent}) == 40


async def test_sent_rows_go_after_a_while(outbox: Outbox, pool: Pool) -> None:
    tenant_id = uuid7()
    await _write(outbox, tenant_id, 2)
    await outbox.relay.send_waiting({tenant_id})
    await outbox.rows.clear_sent(timedelta(hours=1))
    assert await _count(pool, tenant_id) == 2
    await outbox.rows.clear_sent(timedelta(0))
    assert await _count(pool, tenant_id) == 0


async def test_a_transaction_sees_its_tenants_alone(outbox: Outbox) -> None:
    one, other, stranger = uuid7(), uuid7(), uuid7()
    await _write(outbox, one, 1)
    await _write(outbox, other, 2)
    for tenants, seen in (((one,), 1), ((one, other), 3), ((stranger,), 0), ((), 0)):
        async with tenant_transaction(outbox.pool, *tenants) as connection:
            assert await connection.fetchval("select count(*) from engine.outbox") == seen


async def _all_due(pool: Pool, tenant_id: UUID) -> None:
    await _as_tenant(pool, tenant_id, "update engine.outbox set due_at = now() - interval '1 s'")


async def _count(pool: Pool, tenant_id: UUID) -> int:
    return await _as_tenant(pool, tenant_id, "select count(*) from engine.outbox")


async def _as_tenant(pool: Pool, tenant_id: UUID, statement: str) -> int:
    async with tenant_transaction(pool, tenant_id) as connection:
        return await connection.fetchval(statement)
