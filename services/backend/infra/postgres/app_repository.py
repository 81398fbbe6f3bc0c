"""Apps in Postgres. The port: services.backend.app.ports.app_repository."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from libs.common.contracts.workflows import WorkflowDefinition
from libs.common.database.asyncpg_pool import Pool, PooledConnection
from libs.common.database.store_errors import translated
from libs.common.database.tenant_transaction import tenant_transaction
from services.backend.app.ports.app_repository import ImportedApp
from services.backend.domain.apps.environment_secrets import StoredSecret
from services.backend.domain.apps.records import App, AppVersion, Draft
from services.backend.infra.postgres.draft_rows import (
    find_draft,
    insert_draft,
    lock_draft,
    update_draft,
)
from services.backend.infra.postgres.environment_secret_repository import insert_secret
from services.backend.infra.postgres.storable_text import storable

_APP = (
    "app_id, name, mode, description, icon, published_version_id, created_at, updated_at "
    "from backend.apps"
)
_SAME = """
select a.app_id from backend.apps a join backend.app_drafts d using (app_id)
 where a.name = $1 and d.source_hash = $2 order by a.app_id limit 1"""


class PostgresAppRepository:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(
        self, tenant_id: UUID, app: App, draft: Draft, secrets: Sequence[StoredSecret] = ()
    ) -> ImportedApp:
        name = storable(app.name)
        async with tenant_transaction(self._pool, tenant_id) as connection:
            # Two imports of one document at once must end as one app.
            await connection.execute(
                "select pg_advisory_xact_lock(hashtextextended($1, 7))", f"{tenant_id}/{name}"
            )
            same = await connection.fetchval(_SAME, name, draft.source_hash)
            if same is None:
                await _insert(connection, tenant_id, app, draft)
                for secret in secrets:
                    await insert_secret(connection, tenant_id, app.app_id, secret)
            stored = await _find(connection, same or app.app_id)
            stored_draft = await find_draft(connection, same or app.app_id)
        assert stored is not None
        assert stored_draft is not None
        return ImportedApp(app=stored, draft=stored_draft, created=same is None)

    async def find(self, tenant_id: UUID, app_id: UUID) -> App | None:
        with translated():
            row = await self._pool.fetchrow(
                "select * from backend.find_app($1, $2)", tenant_id, app_id
            )
        return None if row is None else _app(row)

    async def find_same(self, tenant_id: UUID, name: str, source_hash: str) -> UUID | None:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            return await connection.fetchval(_SAME, storable(name), source_hash)

    async def all_apps(self, tenant_id: UUID) -> list[App]:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            rows = await connection.fetch(f"select {_APP} order by app_id desc")
        return [_app(row) for row in rows]

    async def draft(self, tenant_id: UUID, app_id: UUID) -> Draft | None:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            return await find_draft(connection, app_id)

    async def replace_draft(
        self, tenant_id: UUID, app: App, draft: Draft, secrets: Sequence[StoredSecret] = ()
    ) -> bool:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            if not await lock_draft(connection, app.app_id, draft.revision - 1):
                return False
            await connection.execute(
                "update backend.apps set name = $2, description = $3, icon = $4, "
                "updated_at = now() where app_id = $1",
                app.app_id,
                storable(app.name),
                storable(app.description),
                storable(app.icon),
            )
            await update_draft(connection, draft)
            for secret in secrets:
                await insert_secret(connection, tenant_id, app.app_id, secret)
        return True

    async def publish(self, tenant_id: UUID, draft: Draft, version_id: UUID) -> UUID:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            await connection.execute(
                "insert into backend.app_versions "
                "(version_id, tenant_id, app_id, content_hash, source, definition) "
                "values ($1, $2, $3, $4, $5, $6) on conflict (app_id, content_hash) do nothing",
                version_id,
                tenant_id,
                draft.app_id,
                draft.report.content_hash,
                draft.source,
                draft.definition.model_dump_json().encode(),
            )
            published: UUID = await connection.fetchval(
                "update backend.apps set updated_at = now(), published_version_id = "
                "(select version_id from backend.app_versions "
                " where app_id = $1 and content_hash = $2) "
                "where app_id = $1 returning published_version_id",
                draft.app_id,
                draft.report.content_hash,
            )
        return published

    async def version(self, tenant_id: UUID, app_id: UUID, version_id: UUID) -> AppVersion | None:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            row = await connection.fetchrow(
                "select version_id, app_id, content_hash, definition, created_at "
                "from backend.app_versions where app_id = $1 and version_id = $2",
                app_id,
                version_id,
            )
        return None if row is None else _version(row)


async def _insert(connection: PooledConnection, tenant_id: UUID, app: App, draft: Draft) -> None:
    await connection.execute(
        "insert into backend.apps (app_id, tenant_id, name, mode, description, icon) "
        "values ($1, $2, $3, $4, $5, $6)",
        app.app_id,
        tenant_id,
        storable(app.name),
        app.mode,
        storable(app.description),
        storable(app.icon),
    )
    await insert_draft(connection, tenant_id, draft)


async def _find(connection: PooledConnection, app_id: UUID) -> App | None:
    row = await connection.fetchrow(f"select {_APP} where app_id = $1", app_id)
    return None if row is None else _app(row)


def _app(row: asyncpg.Record) -> App:
    return App(
        app_id=row["app_id"],
        name=row["name"],
        mode=row["mode"],
        description=row["description"],
        icon=row["icon"],
        published_version_id=row["published_version_id"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _version(row: asyncpg.Record) -> AppVersion:
    return AppVersion(
        version_id=row["version_id"],
        app_id=row["app_id"],
        content_hash=row["content_hash"],
        definition=WorkflowDefinition.model_validate_json(row["definition"]),
        created_at=row["created_at"],
    )
