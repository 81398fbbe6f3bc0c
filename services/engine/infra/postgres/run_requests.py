"""Requests of runs as their rows keep them, and the claims that bring them back."""

import logging
from collections.abc import Sequence
from uuid import UUID

import asyncpg

from libs.common.contracts.run_commands import AcceptRun
from libs.common.errors import Unavailable
from libs.common.run_sealing import RunSealing, required
from services.engine.app.errors import JournalUnreadable
from services.engine.app.ports.run_store import Claim
from services.engine.infra.postgres.set_aside import set_aside
from services.engine.infra.postgres.statements import Statements
from services.engine.infra.postgres.stored_bodies import StoredBodies

REQUEST = "request"
"""What a request is to its run: where its seal is made, and in the name of its object."""
_log = logging.getLogger(__name__)


class RunRequests:
    """`sealing` None: requests of runs that runs with secrets call can neither be stored nor
    read."""

    def __init__(
        self, statements: Statements, bodies: StoredBodies, sealing: RunSealing | None
    ) -> None:
        self._statements = statements
        self._bodies = bodies
        self._sealing = sealing
        self._kept_back = False

    def kept_back(self) -> bool:
        """Whether a claim waits for the object store since the last time this was asked."""
        kept_back, self._kept_back = self._kept_back, False
        return kept_back

    async def stored(self, request: AcceptRun) -> bytes:
        """What to write of the request; its object is stored where it is large."""
        body = request.model_dump_json().encode()
        tenant_id, run_id = request.tenant_id, request.run_id
        body = await self._bodies.kept(body, tenant_id=tenant_id, run_id=run_id, what=REQUEST)
        if not request.around:
            return body
        return required(self._sealing).seal(body, tenant_id=tenant_id, run_id=run_id, place=REQUEST)

    async def claims(self, worker: UUID, rows: Sequence[asyncpg.Record]) -> list[Claim]:
        """Those whose requests can be read. One that waits for the object store is claimed again by
        the worker's next sweep; one whose object is gone is set aside."""
        found: list[Claim] = []
        for row in rows:
            try:
                found.append(await self._claim(row))
            except Unavailable as error:
                _log.warning("run %s waits for its request: %s", row["run_id"], error)
                self._kept_back = True
            except JournalUnreadable as error:
                await set_aside(
                    self._statements,
                    worker,
                    tenant_id=row["tenant_id"],
                    run_id=row["run_id"],
                    epoch=row["epoch"],
                    status="incompatible",
                    evidence=f"{error.code}: {error.message}",
                )
        return found

    async def _claim(self, row: asyncpg.Record) -> Claim:
        column: bytes = row["request"]
        if self._sealing is not None:
            column = self._sealing.reveal(
                column, tenant_id=row["tenant_id"], run_id=row["run_id"], place=REQUEST
            )
        return Claim(
            epoch=row["epoch"],
            request=AcceptRun.model_validate_json(await self._bodies.whole(column)),
            takeovers=row["takeovers"],
            accepted_at=row["accepted_at"].timestamp(),
        )
