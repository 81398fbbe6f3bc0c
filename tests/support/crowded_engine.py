"""An engine of which one tenant wants more than it has, and another one a single run."""

import time
from uuid import UUID, uuid4

import asyncpg

from libs.common.contracts.run_commands import AcceptRun
from libs.common.contracts.subjects import run_live
from libs.common.contracts.workflows import RegisterWorkflow, WorkflowDefinition
from libs.common.identifiers import uuid7
from tests.support.databases import FreshDatabase
from tests.support.engine_harness import Cluster, Replica, eventually, heard, with_worker
from tests.support.engine_nodes import chain

CAPACITY = 20
SHARE = 15
"""What one tenant has of the capacity."""
_CROWD = UUID(int=10)
_LONG = chain({"type": "nap", "seconds": 50.0})
_SHORT = chain({"type": "pass"})
_QUEUE = """
INSERT INTO engine.runs (tenant_id, run_id, app_id, shard, status, workflow_hash, request)
SELECT $1::uuid, id, app_id, 0, 'queued', $2::text, convert_to(json_build_object(
    'tenant_id', $1::uuid, 'run_id', id, 'app_id', app_id, 'workflow_hash', $2::text)::text, 'UTF8')
FROM (SELECT uuidv7() AS id, ('00000000-0000-7000-8000-' || lpad((n % 40)::text, 12, '0'))::uuid
          AS app_id FROM generate_series(1, $3::integer) n) AS wanted"""


class CrowdedEngine:
    """One worker without a sweep: only wake-ups and its own looks begin runs."""

    def __init__(self, cluster: Cluster, replica: Replica) -> None:
        self._cluster = cluster
        self._replica = replica

    @classmethod
    async def on(cls, cluster: Cluster) -> "CrowdedEngine":
        options = with_worker(capacity=CAPACITY, sweep=3600.0)
        return cls(cluster, await cluster.replica(options))

    @property
    def under_way(self) -> int:
        return self._replica.engine.worker.under_way()

    async def crowd(self, database: FreshDatabase, queued: int) -> None:
        """Queue long runs of one tenant, of several apps, and wait until it has its share."""
        workflow_hash = await self._register(_CROWD, _LONG)
        connection = await asyncpg.connect(database.admin_url)
        try:
            await connection.execute(_QUEUE, _CROWD, workflow_hash, queued)
        finally:
            await connection.close()
        await self._replica.engine.worker.looked()

        async def has_its_share() -> bool:
            return self.under_way == SHARE

        await eventually(has_its_share)

    async def start(self) -> float:
        """Seconds from the acceptance of another tenant's run until its start is told."""
        tenant = uuid4()
        workflow_hash = await self._register(tenant, _SHORT)
        run = AcceptRun(
            tenant_id=tenant, run_id=uuid7(), app_id=uuid4(), workflow_hash=workflow_hash
        )
        async with self._cluster.bus.listen(run_live(tenant, run.run_id)) as listener:
            begun = time.perf_counter()
            await self._replica.engine.use_cases.accept.execute(run)
            first = await listener.next(timeout=10.0)
            seconds = time.perf_counter() - begun
            assert first is not None
            if first.events[-1].kind != "run_finished":
                await heard(listener, "run_finished")
        return seconds

    async def _register(self, tenant_id: UUID, definition: WorkflowDefinition) -> str:
        message = RegisterWorkflow(tenant_id=tenant_id, definition=definition)
        report = await self._replica.engine.use_cases.register.execute(message)
        return report.content_hash
