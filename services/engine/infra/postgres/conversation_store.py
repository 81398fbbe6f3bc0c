"""Variables of conversations as rows."""

import logging
from uuid import UUID

import asyncpg

from libs.common.database.asyncpg_pool import Pool
from libs.common.errors import PlatformFault
from libs.common.run_sealing import RunSealing
from services.engine.app.ports.conversation_store import KeptVariable
from services.engine.domain.variables.values import Value
from services.engine.infra.journal_codec import decode_value, encode_value, variable_place
from services.engine.infra.postgres.statements import Statements

_log = logging.getLogger(__name__)

_OF = """
SELECT name, value, run_id, seq, created_at, changed_at FROM engine.conversation_variables
WHERE tenant_id = $1 AND conversation_id = $2 ORDER BY name COLLATE "C\""""
_CHANGE = """
INSERT INTO engine.conversation_variables (tenant_id, conversation_id, name, value)
VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, conversation_id, name) DO UPDATE
SET value = excluded.value, run_id = NULL, seq = 0, changed_at = clock_timestamp()
RETURNING name, value, run_id, seq, created_at, changed_at"""

# In the order of the keys, as runs change them.
_FORGET = """
WITH gone AS (
    SELECT name FROM engine.conversation_variables
    WHERE tenant_id = $1 AND conversation_id = $2 ORDER BY name COLLATE "C" FOR UPDATE)
DELETE FROM engine.conversation_variables v USING gone
WHERE v.tenant_id = $1 AND v.conversation_id = $2 AND v.name = gone.name"""


class PostgresConversationStore:
    """Implements ConversationStore. `pool` signs in as heddle_app; `sealing` None: what runs with
    secrets left is left out."""

    def __init__(self, pool: Pool, sealing: RunSealing | None = None) -> None:
        self._statements = Statements(pool)
        self._sealing = sealing

    async def variables(self, tenant_id: UUID, conversation_id: UUID) -> list[KeptVariable]:
        rows = await self._statements.fetch_of([tenant_id], _OF, tenant_id, conversation_id)
        found = [self._opened(tenant_id, conversation_id, row) for row in rows]
        return [each for each in found if each is not None]

    async def change(
        self, tenant_id: UUID, conversation_id: UUID, name: str, value: Value
    ) -> KeptVariable:
        rows = await self._statements.fetch_of(
            [tenant_id], _CHANGE, tenant_id, conversation_id, name, encode_value(value)
        )
        return _kept(rows[0], rows[0]["value"], sealed=False)

    async def forget(self, tenant_id: UUID, conversation_id: UUID) -> None:
        await self._statements.fetch_of([tenant_id], _FORGET, tenant_id, conversation_id)

    def _opened(
        self, tenant_id: UUID, conversation_id: UUID, row: asyncpg.Record
    ) -> KeptVariable | None:
        stored: bytes = row["value"]
        run_id: UUID | None = row["run_id"]
        if self._sealing is None or run_id is None:
            return None if stored.startswith(b"\0") else _kept(row, stored, sealed=False)
        place = variable_place(conversation_id, row["name"])
        try:
            opened = self._sealing.reveal(stored, tenant_id=tenant_id, run_id=run_id, place=place)
        except PlatformFault:
            _log.warning("a variable of conversation %s stays closed", conversation_id)
            return None
        return _kept(row, opened, sealed=opened is not stored)


def _kept(row: asyncpg.Record, value: bytes, *, sealed: bool) -> KeptVariable:
    return KeptVariable(
        name=row["name"],
        value=decode_value(value),
        run_id=row["run_id"],
        seq=row["seq"],
        created_at=row["created_at"].timestamp(),
        changed_at=row["changed_at"].timestamp(),
        sealed=sealed,
    )
