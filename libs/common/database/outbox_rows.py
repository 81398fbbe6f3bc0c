"""The outbox: messages written in the transaction that decided them, sent after its commit.

Here are the relay's statements: claim, settle, find, clear. Each is one short transaction. A claim
is a lease on a row (its `due_at` moves ahead), so that no transaction stays open while the bus is
asked and a relay that dies holds nothing up for long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from libs.common.database.asyncpg_pool import Pool
from libs.common.database.store_errors import translated
from libs.common.database.tenant_transaction import tenant_transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """One row of a schema's `outbox`. `id` is also the message id on the bus."""

    id: UUID
    tenant_id: UUID
    subject: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedRow:
    """A row that is ours until its lease runs out. `attempts` counts this one too."""

    row: OutboxRow
    attempts: int


class OutboxRows:
    """`pool` signs in as heddle_app, `sweeper_pool` as heddle_sweeper."""

    def __init__(self, pool: Pool, sweeper_pool: Pool, schema: str) -> None:
        self._pool = pool
        self._sweeper_pool = sweeper_pool
        self._claim = _CLAIM.format(schema=schema)
        self._sent = f"update {schema}.outbox set sent_at = now() where id = any($1::uuid[])"  # noqa: S608 - the schema is ours
        self._failed = _FAILED.format(schema=schema)
        self._unsent_tenants = _UNSENT_TENANTS.format(schema=schema)
        self._sent_tenants = _SENT_TENANTS.format(schema=schema)
        self._clear = _CLEAR.format(schema=schema)

    async def claim(
        self, tenant_ids: Sequence[UUID], limit: int, lease: timedelta
    ) -> list[ClaimedRow]:
        """At most `limit` due rows in the order of their ids; rows that others hold are skipped."""
        async with tenant_transaction(self._pool, *tenant_ids) as connection:
            found = await connection.fetch(self._claim, limit, lease, [*tenant_ids])
        return [
            ClaimedRow(
                row=OutboxRow(
                    id=row["id"],
                    tenant_id=row["tenant_id"],
                    subject=row["subject"],
                    body=row["body"],
                ),
                attempts=row["attempts"],
            )
            for row in sorted(found, key=lambda row: row["id"])
        ]

    async def mark_sent(self, rows: Sequence[OutboxRow]) -> None:
        await self._change({row.tenant_id for row in rows}, self._sent, [row.id for row in rows])

    async def mark_failed(self, rows: Sequence[OutboxRow], reason: str, delay: timedelta) -> None:
        """Leave the rows for later; `reason` is kept for operators."""
        tenants = {row.tenant_id for row in rows}
        await self._change(tenants, self._failed, [row.id for row in rows], reason, delay)

    async def tenants_waiting(self, limit: int) -> list[UUID]:
        """Tenants with due rows, at most `limit`."""
        return await self._tenants(self._unsent_tenants, limit)

    async def clear_sent(self, older_than: timedelta) -> None:
        """Delete rows that were sent longer than `older_than` ago."""
        tenants = await self._tenants(self._sent_tenants, older_than)
        if tenants:
            await self._change(set(tenants), self._clear, older_than)

    async def _tenants(self, statement: str, argument: object) -> list[UUID]:
        with translated():
            found = await self._sweeper_pool.fetch(statement, argument)
        return [row["tenant_id"] for row in found]

    async def _change(self, tenant_ids: set[UUID], statement: str, *arguments: object) -> None:
        async with tenant_transaction(self._pool, *tenant_ids) as connection:
            await connection.execute(statement, *arguments)


# The oldest of each tenant are found by the index, however many wait behind them; others that a
# relay has claimed meanwhile are left to it.
_CLAIM = """
update {schema}.outbox set due_at = now() + $2::interval, attempts = attempts + 1
 where id in (
    select id from {schema}.outbox where sent_at is null and due_at <= now() and id = any (array(
        select oldest.id from unnest($3::uuid[]) as t (tenant_id) cross join lateral (
            select o.id from {schema}.outbox o
             where o.tenant_id = t.tenant_id and o.sent_at is null and o.due_at <= now()
             order by o.tenant_id, o.id limit $1) as oldest
         order by oldest.id limit $1))
     order by id for update skip locked)
returning id, tenant_id, subject, body, attempts"""
_FAILED = """
update {schema}.outbox set due_at = now() + $3::interval, last_error = $2
 where id = any($1::uuid[])"""
_UNSENT_TENANTS = """
with recursive walk as (
    (select tenant_id from {schema}.outbox where sent_at is null order by tenant_id limit 1)
    union all
    select n.tenant_id from walk w cross join lateral (
        select o.tenant_id from {schema}.outbox o
         where o.sent_at is null and o.tenant_id > w.tenant_id
         order by o.tenant_id limit 1) as n)
select w.tenant_id from walk w cross join lateral (
    select from {schema}.outbox o
     where o.tenant_id = w.tenant_id and o.sent_at is null and o.due_at <= now()
     limit 1) as due limit $1"""
_SENT_TENANTS = """
select distinct tenant_id from (
    select tenant_id from {schema}.outbox where sent_at < now() - $1::interval
     order by sent_at limit 10000) old"""
_CLEAR = """
delete from {schema}.outbox where id in (
    select id from {schema}.outbox where sent_at < now() - $1::interval
     order by sent_at limit 10000)"""
