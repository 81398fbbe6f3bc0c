"""Runs whose environment holds secrets: resolved by reference, journalled sealed, shown masked."""

# The driver's snapshots have no door of their own.
# pyright: reportPrivateUsage=false

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from libs.common.clock import SystemClock
from libs.common.contracts.code_execution import CodeCall, CodeResult
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.environment_secrets import (
    SealedSecret,
    SealedSecrets,
    SecretsQuery,
    secret_purpose,
    secret_text,
)
from libs.common.contracts.run_commands import AbortRun, AcceptRun, EnvironmentValue
from libs.common.contracts.run_queries import TraceQuery
from libs.common.contracts.subjects import ENVIRONMENT_SECRETS
from libs.common.database.asyncpg_pool import create_pool
from libs.common.errors import Unavailable
from libs.common.messaging.in_memory_bus import InMemoryBus
from libs.common.object_store.filesystem_store import FilesystemStore
from libs.common.run_seal import RunSeal
from libs.common.run_sealing import MASK
from libs.common.sealed_box import SealedBox
from services.engine.domain.events.journal import RunStarted
from services.engine.domain.node_parts.effects import RunCode
from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeResult,
    NodeRun,
    NodeType,
)
from services.engine.infra.backend_secrets import BackendSecrets
from tests.support.databases import FreshDatabase
from tests.support.engine_callees import Callees
from tests.support.engine_harness import FAST, TENANT, Cluster, eventually, postgres_cluster
from tests.support.engine_nodes import TEST_CATALOGUE, PlainNode, chain

MASTER_KEY = SecretStr(base64.b64encode(bytes(32)).decode())
APP = UUID(int=5)
VALUE = "plant-and-tell-nobody"


class _Use(PlainNode):
    """Has code run on the secret and shows it where nodes show things."""

    __slots__ = ()

    def run(self, context: NodeContext) -> NodeRun:
        key = context.variables.get(("env", "KEY"))
        done = yield RunCode(call=CodeCall(language="python3", code=str(key)))
        assert isinstance(done, CodeResult)
        return NodeResult(outputs={"result": done.result}, inputs={"key": str(key)})


OPTIONS = replace(
    FAST,
    catalogue={
        **TEST_CATALOGUE,
        "use": NodeType(type="use", execution="executable", parse=_Use),
    },
)


@dataclass
class Keeper:
    """The backend's part: `stored` values by name and version; `away` it refuses."""

    stored: dict[tuple[str, int], str]
    asked: int = 0
    away: bool = False

    async def serve(self, query: SecretsQuery, _envelope: Envelope) -> SealedSecrets:
        self.asked += 1
        if self.away:
            raise Unavailable("not now")
        box = SealedBox(MASTER_KEY)
        return SealedSecrets(
            found=tuple(
                SealedSecret(
                    name=each.name,
                    version=each.version,
                    sealed=box.seal(
                        secret_text(self.stored[each.name, each.version]),
                        tenant_id=query.tenant_id,
                        purpose=secret_purpose(query.app_id, each.name, each.version),
                    ),
                )
                for each in query.wanted
                if (each.name, each.version) in self.stored
            )
        )


@pytest.fixture
async def keeper(bus: InMemoryBus) -> Keeper:
    made = Keeper({("KEY", 3): VALUE})
    await bus.serve(ENVIRONMENT_SECRETS, made.serve)
    return made


@pytest.fixture
def objects(tmp_path: Path) -> FilesystemStore:
    return FilesystemStore(tmp_path)


@pytest.fixture
async def cluster(
    migrated_database: FreshDatabase,
    bus: InMemoryBus,
    keeper: Keeper,
    callees: Callees,
    objects: FilesystemStore,
) -> AsyncIterator[Cluster]:
    clock = SystemClock()
    async with postgres_cluster(
        migrated_database,
        bus,
        sealing=RunSeal(MASTER_KEY),
        objects=objects,
        secrets=lambda: BackendSecrets(bus, SealedBox(MASTER_KEY), clock),
    ) as made:
        yield made


async def asked(cluster: Cluster, version: int = 3) -> AcceptRun:
    key = EnvironmentValue(name="KEY", value_type="secret", secret_version=version)
    plain = EnvironmentValue(name="PLAIN", value="seen")
    return await cluster.asked(chain({"type": "use"}), app_id=APP, environment=(key, plain))


async def rows(database: FreshDatabase, run_id: UUID) -> list[bytes]:
    async with await create_pool(database.url) as pool, pool.acquire() as connection:
        await connection.execute("select set_config('heddle.tenants', $1, false)", str(TENANT))
        found = await connection.fetch("select bytes from engine.journal where run_id = $1", run_id)
        runs = await connection.fetch("select * from engine.runs where run_id = $1", run_id)
        outbox = await connection.fetch("select body from engine.outbox")
        return [row["bytes"] for row in found] + [
            json.dumps([str(value) for value in row]).encode() for row in (*runs, *outbox)
        ]


async def test_the_value_is_used_and_the_journal_is_closed(
    cluster: Cluster, migrated_database: FreshDatabase
) -> None:
    replica = await cluster.replica(OPTIONS, serve=False)
    request = await asked(cluster)
    await replica.engine.use_cases.accept.execute(request)
    assert (await cluster.ended(request.run_id)).status == "succeeded"
    first = (await cluster.journal(request.run_id))[0].event
    assert isinstance(first, RunStarted)
    assert (first.secrets, first.environment) == ({"KEY": 3}, {"PLAIN": "seen"})
    stored = await rows(migrated_database, request.run_id)
    assert stored
    assert not any(VALUE.encode() in row or VALUE.upper().encode() in row for row in stored)


async def test_large_events_are_closed_too(
    cluster: Cluster, migrated_database: FreshDatabase, keeper: Keeper, objects: FilesystemStore
) -> None:
    keeper.stored["KEY", 3] = VALUE * 15_000
    replica = await cluster.replica(OPTIONS, serve=False)
    request = await asked(cluster)
    await replica.engine.use_cases.accept.execute(request)
    assert (await cluster.ended(request.run_id)).status == "succeeded"
    keys = [info.key async for info in objects.list("")]
    assert len(keys) == 2
    stored = await rows(migrated_database, request.run_id)
    stored += [await objects.get(key) for key in keys]
    said = (VALUE.encode(), VALUE.upper().encode(), *(key.encode() for key in keys))
    assert not any(word in row for row in stored for word in said)
    assert str(await cluster.journal(request.run_id)).count(VALUE) == 15_000


async def test_readers_see_a_mask(cluster: Cluster, keeper: Keeper) -> None:
    replica = await cluster.replica(OPTIONS, serve=False)
    request = await asked(cluster)
    await replica.engine.use_cases.accept.execute(request)
    await cluster.ended(request.run_id)
    reads = replica.engine.use_cases.read
    query = TraceQuery(tenant_id=TENANT, run_id=request.run_id)
    used = (await reads.trace(query)).nodes[1]
    assert used.inputs == {"key": MASK}
    assert used.outputs == {"result": VALUE.upper()}, "what code makes of it is not recognised"

    keeper.stored.clear()
    other = await cluster.replica(OPTIONS, serve=False)
    used = (await other.engine.use_cases.read.trace(query)).nodes[1]
    assert (used.inputs, used.outputs) == ({"key": MASK}, {"result": MASK})


async def test_another_replica_takes_over_with_the_same_request(
    cluster: Cluster, callees: Callees, keeper: Keeper
) -> None:
    callees.gate.clear()
    first = await cluster.replica(OPTIONS, serve=False)
    request = await asked(cluster)
    await first.engine.use_cases.accept.execute(request)
    await asyncio.wait_for(callees.arrived.wait(), 5)
    await first.kill()
    callees.arrived.clear()
    await cluster.replica(OPTIONS, serve=False)
    await asyncio.wait_for(callees.arrived.wait(), 10)
    callees.gate.set()
    view = await cluster.ended(request.run_id)
    before, after = callees.effects
    assert (view.status, view.epoch) == ("succeeded", 2)
    assert (before.key, before.request_hash) == (after.key, after.request_hash)
    assert keeper.asked == 2


async def test_a_value_that_is_gone_fails_the_run_by_name(
    cluster: Cluster, callees: Callees
) -> None:
    replica = await cluster.replica(OPTIONS, serve=False)
    request = await asked(cluster, version=4)
    await replica.engine.use_cases.accept.execute(request)
    view = await cluster.ended(request.run_id)
    assert (view.status, callees.effects) == ("failed", [])
    assert view.error is not None
    assert "'KEY' (version 4)" in view.error
    kinds = [event.kind for event in await cluster.events(request.run_id)]
    assert kinds == ["run_started", "run_finished"]


async def test_it_is_gone_at_a_takeover(cluster: Cluster, callees: Callees, keeper: Keeper) -> None:
    callees.gate.clear()
    first = await cluster.replica(OPTIONS, serve=False)
    request = await asked(cluster)
    await first.engine.use_cases.accept.execute(request)
    await asyncio.wait_for(callees.arrived.wait(), 5)
    await first.kill()
    keeper.stored.clear()
    await cluster.replica(OPTIONS, serve=False)
    view = await cluster.ended(request.run_id)
    assert view.status == "failed"
    assert "'KEY' (version 3)" in (view.error or "")


async def test_a_run_waits_for_the_backend_and_others_do_not(
    cluster: Cluster, keeper: Keeper
) -> None:
    keeper.away = True
    replica = await cluster.replica(OPTIONS, serve=False)
    waiting = await asked(cluster)
    await replica.engine.use_cases.accept.execute(waiting)

    async def has_asked() -> bool:
        return keeper.asked > 1

    await eventually(has_asked)
    other = await cluster.asked(chain({"type": "pass"}))
    await replica.engine.use_cases.accept.execute(other)
    assert (await cluster.ended(other.run_id)).status == "succeeded"
    assert (await cluster.view(waiting.run_id)).status == "running"
    keeper.away = False
    assert (await cluster.ended(waiting.run_id)).status == "succeeded"


async def test_a_run_that_waits_for_the_backend_can_be_stopped(
    cluster: Cluster, keeper: Keeper, callees: Callees
) -> None:
    keeper.away = True
    # No sweep comes in time: the wake-up alone has to reach it.
    worker = replace(OPTIONS.worker, sweep=60.0)
    replica = await cluster.replica(replace(OPTIONS, worker=worker))
    request = await asked(cluster)
    await replica.engine.use_cases.accept.execute(request)
    await _asked_again(keeper)
    await replica.engine.use_cases.command.send(_abort(request))
    view = await cluster.ended(request.run_id, within=1.0)
    assert (view.status, view.error, callees.effects) == ("stopped", "not needed", [])
    kinds = [event.kind for event in await cluster.events(request.run_id)]
    assert kinds == ["run_started", "run_finished"]


async def test_one_that_was_taken_over_can_be_stopped(
    cluster: Cluster, keeper: Keeper, callees: Callees
) -> None:
    callees.gate.clear()
    first = await cluster.replica(OPTIONS, serve=False)
    request = await asked(cluster)
    await first.engine.use_cases.accept.execute(request)
    await asyncio.wait_for(callees.arrived.wait(), 5)
    await first.kill()
    keeper.away = True
    second = await cluster.replica(OPTIONS, serve=False)
    await _asked_again(keeper)
    await second.engine.use_cases.command.send(_abort(request))
    view = await cluster.ended(request.run_id, within=2.0)
    assert (view.status, view.epoch, len(callees.effects)) == ("stopped", 2, 1)
    query = TraceQuery(tenant_id=TENANT, run_id=request.run_id)
    assert VALUE not in (await second.engine.use_cases.read.trace(query)).model_dump_json()


async def test_a_waiting_run_is_let_go_with_its_worker(cluster: Cluster, keeper: Keeper) -> None:
    keeper.away = True
    first = await cluster.replica(OPTIONS, serve=False)
    request = await asked(cluster)
    await first.engine.use_cases.accept.execute(request)
    await _asked_again(keeper)
    await first.stop()
    assert (await cluster.view(request.run_id)).status == "queued"
    keeper.away = False
    await cluster.replica(OPTIONS, serve=False)
    assert (await cluster.ended(request.run_id)).status == "succeeded"


def _abort(request: AcceptRun) -> AbortRun:
    return AbortRun(
        tenant_id=TENANT, run_id=request.run_id, command_id=uuid4(), reason="not needed"
    )


async def _asked_again(keeper: Keeper) -> None:
    before = keeper.asked

    async def more() -> bool:
        return keeper.asked > before + 1

    await eventually(more)


async def test_values_are_asked_for_once_a_minute(cluster: Cluster, keeper: Keeper) -> None:
    replica = await cluster.replica(OPTIONS, serve=False)
    for _ in range(3):
        request = await asked(cluster)
        await replica.engine.use_cases.accept.execute(request)
        await cluster.ended(request.run_id)
    assert keeper.asked == 1


@pytest.mark.parametrize("damaged", [False, True], ids=["whole", "damaged"])
async def test_its_snapshot_is_closed_and_taken_up_again(
    cluster: Cluster, migrated_database: FreshDatabase, callees: Callees, damaged: bool
) -> None:
    callees.gate.clear()
    options = replace(OPTIONS, snapshot_floor=0)
    first = await cluster.replica(options, serve=False)
    key = EnvironmentValue(name="KEY", value_type="secret", secret_version=3)
    twice = chain({"type": "use"}, {"type": "huge", "size": 3_000}, {"type": "use"})
    request = await cluster.asked(twice, app_id=APP, environment=(key,))
    await first.engine.use_cases.accept.execute(request)
    await _next_call(callees)
    driver = first.engine.worker.driver_of(request.run_id)
    assert driver is not None
    await driver._cutter.closed()
    # Whoever waits goes on, whoever comes waits.
    callees.gate.set()
    callees.gate.clear()
    await _next_call(callees)
    await driver._cutter.closed()
    snapshot = await first.stores.snapshots.newest(TENANT, request.run_id)
    assert snapshot is not None
    pool = snapshot.machine.state.frames[0].pool
    assert pool is not None
    assert pool["n1"] == {"result": VALUE.upper()}
    stored = await _stored_snapshot(migrated_database, request.run_id, damaged=damaged)
    assert VALUE.encode() not in stored
    assert VALUE.upper().encode() not in stored
    found = await first.stores.snapshots.newest(TENANT, request.run_id)
    assert (found is None) == damaged

    await first.kill()
    await cluster.replica(options, serve=False)
    await _next_call(callees)
    callees.gate.set()
    view = await cluster.ended(request.run_id)
    _, before, after = callees.effects
    assert (view.status, view.epoch) == ("succeeded", 2)
    assert (before.key, before.request_hash) == (after.key, after.request_hash)


async def _next_call(callees: Callees) -> None:
    await asyncio.wait_for(callees.arrived.wait(), 10)
    callees.arrived.clear()


async def _stored_snapshot(database: FreshDatabase, run_id: UUID, *, damaged: bool) -> bytes:
    """The bytes as they lie there; `damaged` changes the last one, and returns them as before."""
    async with await create_pool(database.url) as pool, pool.acquire() as connection:
        await connection.execute("select set_config('heddle.tenants', $1, false)", str(TENANT))
        stored: bytes = await connection.fetchval(
            "select bytes from engine.snapshots where run_id = $1", run_id
        )
        if damaged:
            await connection.execute(
                "update engine.snapshots set bytes = $1 where run_id = $2",
                stored[:-1] + bytes([stored[-1] ^ 1]),
                run_id,
            )
        return stored
