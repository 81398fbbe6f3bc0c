"""Taking a claimed run out of circulation for an operator."""

from typing import Literal
from uuid import UUID

from services.engine.infra.postgres.statements import Statements

_SET_ASIDE = "SELECT engine.set_aside($1, $2, $3, $4, $5, $6) AS done"


async def set_aside(
    statements: Statements,
    worker: UUID,
    *,
    tenant_id: UUID,
    run_id: UUID,
    epoch: int,
    status: Literal["quarantined", "incompatible"],
    evidence: str,
) -> bool:
    """Whether the run was still the worker's under `epoch`. Raises Unavailable."""
    rows = await statements.fetch(
        _SET_ASIDE,
        worker,
        tenant_id,
        run_id,
        epoch,
        status,
        # Postgres stores no NUL in a text.
        evidence.replace("\0", "\\0"),
    )
    return bool(rows[0]["done"])
