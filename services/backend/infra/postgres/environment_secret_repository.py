"""Sealed secrets in Postgres. The port is `app.ports.environment_secret_repository`."""

from collections.abc import Sequence
from uuid import UUID

from libs.common.contracts.environment_secrets import SecretReference
from libs.common.database.asyncpg_pool import Pool, PooledConnection
from libs.common.database.tenant_transaction import tenant_transaction
from services.backend.domain.apps.environment_secrets import StoredSecret
from services.backend.domain.apps.records import Draft
from services.backend.infra.postgres.draft_rows import lock_draft, update_draft

_FIND = """
select s.name, s.version, s.sealed from backend.environment_secrets s
  join unnest($2::text[], $3::integer[]) w (name, version) using (name, version)
 where s.app_id = $1"""
_NEWEST = """
select coalesce(max(version), 0) from backend.environment_secrets
 where app_id = $1 and name = $2"""


class PostgresEnvironmentSecrets:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find(
        self, tenant_id: UUID, app_id: UUID, wanted: Sequence[SecretReference]
    ) -> list[StoredSecret]:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            rows = await connection.fetch(
                _FIND,
                app_id,
                [each.name for each in wanted],
                [each.version for each in wanted],
            )
        return [
            StoredSecret(name=row["name"], version=row["version"], sealed=row["sealed"])
            for row in rows
        ]

    async def newest_version(self, tenant_id: UUID, app_id: UUID, name: str) -> int:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            return await connection.fetchval(_NEWEST, app_id, name)

    async def add(self, tenant_id: UUID, secret: StoredSecret, draft: Draft) -> bool:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            added = await lock_draft(
                connection, draft.app_id, draft.revision - 1
            ) and await insert_secret(connection, tenant_id, draft.app_id, secret)
            if added:
                await update_draft(connection, draft)
        return added


async def insert_secret(
    connection: PooledConnection, tenant_id: UUID, app_id: UUID, secret: StoredSecret
) -> bool:
    """Inside a transaction of the tenant; False when that version is stored already."""
    done = await connection.execute(
        "insert into backend.environment_secrets (tenant_id, app_id, name, version, sealed) "
        "values ($1, $2, $3, $4, $5) on conflict do nothing",
        tenant_id,
        app_id,
        secret.name,
        secret.version,
        secret.sealed,
    )
    return done.endswith(" 1")
