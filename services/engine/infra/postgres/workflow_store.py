"""Workflow definitions as rows."""

from uuid import UUID

from libs.common.contracts.workflows import WorkflowDefinition
from libs.common.database.asyncpg_pool import Pool
from services.engine.app.errors import WorkflowUnknown
from services.engine.infra.postgres.statements import Statements

_PUT = """
INSERT INTO engine.workflows (tenant_id, content_hash, definition) VALUES ($1, $2, $3)
ON CONFLICT (tenant_id, content_hash) DO NOTHING"""
_GET = "SELECT definition FROM engine.workflows WHERE tenant_id = $1 AND content_hash = $2"


class PostgresWorkflowStore:
    """Implements WorkflowStore. `pool` signs in as heddle_app."""

    def __init__(self, pool: Pool) -> None:
        self._statements = Statements(pool)

    async def put(self, tenant_id: UUID, content_hash: str, definition: WorkflowDefinition) -> None:
        body = definition.model_dump_json().encode()
        await self._statements.fetch_of([tenant_id], _PUT, tenant_id, content_hash, body)

    async def get(self, tenant_id: UUID, content_hash: str) -> WorkflowDefinition:
        rows = await self._statements.fetch_of([tenant_id], _GET, tenant_id, content_hash)
        if not rows:
            raise WorkflowUnknown(f"No workflow {content_hash} is registered.")
        return WorkflowDefinition.model_validate_json(rows[0]["definition"])
