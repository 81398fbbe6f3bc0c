"""The rows of drafts, inside a transaction of their tenant."""

from uuid import UUID

from libs.common.contracts.workflows import ValidationReport, WorkflowDefinition
from libs.common.database.asyncpg_pool import PooledConnection
from services.backend.domain.apps.records import Draft


async def find_draft(connection: PooledConnection, app_id: UUID) -> Draft | None:
    row = await connection.fetchrow(
        "select app_id, source, source_hash, definition, report, revision "
        "from backend.app_drafts where app_id = $1",
        app_id,
    )
    if row is None:
        return None
    return Draft(
        app_id=row["app_id"],
        source=row["source"],
        source_hash=row["source_hash"],
        definition=WorkflowDefinition.model_validate_json(row["definition"]),
        report=ValidationReport.model_validate_json(row["report"]),
        revision=row["revision"],
    )


async def lock_draft(connection: PooledConnection, app_id: UUID, revision: int) -> bool:
    """Whether it is at that revision; until the transaction ends it stays so."""
    locked = await connection.fetchval(
        "select revision from backend.app_drafts where app_id = $1 for update", app_id
    )
    return locked == revision


async def insert_draft(connection: PooledConnection, tenant_id: UUID, draft: Draft) -> None:
    await connection.execute(
        "insert into backend.app_drafts "
        "(app_id, tenant_id, source, source_hash, definition, report, revision) "
        "values ($1, $2, $3, $4, $5, $6, $7)",
        draft.app_id,
        tenant_id,
        *_stored(draft),
    )


async def update_draft(connection: PooledConnection, draft: Draft) -> None:
    """Of a draft that is locked."""
    await connection.execute(
        "update backend.app_drafts set source = $2, source_hash = $3, definition = $4, "
        "report = $5, revision = $6, updated_at = now() where app_id = $1",
        draft.app_id,
        *_stored(draft),
    )


def _stored(draft: Draft) -> tuple[bytes, str, bytes, bytes, int]:
    return (
        draft.source,
        draft.source_hash,
        draft.definition.model_dump_json().encode(),
        draft.report.model_dump_json().encode(),
        draft.revision,
    )
