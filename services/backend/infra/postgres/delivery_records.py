"""Deliveries as rows. The port: services.backend.app.ports.delivery_records."""

from uuid import UUID

from libs.common.contracts.form_deliveries import Channel
from libs.common.database.asyncpg_pool import Pool
from libs.common.database.tenant_transaction import tenant_transaction
from services.backend.app.ports.delivery_records import (
    Claimed,
    DeliveryRecord,
    DeliveryStatus,
)

_CLAIM = """
insert into backend.form_deliveries as d
       (tenant_id, delivery_id, form_id, channel, status, claimed_until)
values ($1, $2, $3, $4, 'sending', clock_timestamp() + make_interval(secs => $5))
on conflict (tenant_id, delivery_id) do update
   set status = 'sending', attempts = d.attempts + 1, last_error = null,
       claimed_until = excluded.claimed_until, changed_at = clock_timestamp()
 where d.status in ('failed', 'refused')
    or d.status = 'sending' and d.claimed_until <= clock_timestamp()
returning 1"""
_STATUS = "select status from backend.form_deliveries where tenant_id = $1 and delivery_id = $2"
_SETTLE = """
update backend.form_deliveries
   set status = $3, last_error = $4, claimed_until = clock_timestamp(),
       changed_at = clock_timestamp()
 where tenant_id = $1 and delivery_id = $2 and status <> 'sent'"""
_OF_FORM = """
select delivery_id, channel, status, attempts, changed_at, last_error
  from backend.form_deliveries where tenant_id = $1 and form_id = $2 order by delivery_id"""


class PostgresDeliveryRecords:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def claim(
        self, tenant_id: UUID, form_id: UUID, delivery_id: UUID, channel: Channel, *, seconds: float
    ) -> Claimed:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            ours = await connection.fetchval(
                _CLAIM, tenant_id, delivery_id, form_id, channel, seconds
            )
            if ours:
                return "ours"
            status = await connection.fetchval(_STATUS, tenant_id, delivery_id)
        return "busy" if status == "sending" else "over"

    async def settle(
        self,
        tenant_id: UUID,
        delivery_id: UUID,
        status: DeliveryStatus,
        error: str | None = None,
    ) -> None:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            await connection.execute(_SETTLE, tenant_id, delivery_id, status, error)

    async def of_form(self, tenant_id: UUID, form_id: UUID) -> list[DeliveryRecord]:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            rows = await connection.fetch(_OF_FORM, tenant_id, form_id)
        return [
            DeliveryRecord(
                delivery_id=row["delivery_id"],
                channel=row["channel"],
                status=row["status"],
                attempts=row["attempts"],
                changed_at=row["changed_at"],
                last_error=row["last_error"],
            )
            for row in rows
        ]
