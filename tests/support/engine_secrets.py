"""Runs with secrets, as far as engines need a backend for them."""

import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from uuid import UUID

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
from libs.common.contracts.run_commands import AcceptRun, EnvironmentValue
from libs.common.database.asyncpg_pool import create_pool
from libs.common.errors import Unavailable
from libs.common.messaging.bus import MessageBus
from libs.common.object_store.store import ObjectStore
from libs.common.run_seal import RunSeal
from libs.common.sealed_box import SealedBox
from services.engine.domain.node_parts.effects import RunCode
from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeResult,
    NodeRun,
    NodeType,
)
from services.engine.infra.backend_secrets import BackendSecrets
from tests.support.databases import FreshDatabase
from tests.support.engine_harness import FAST, TENANT, Cluster, postgres_cluster
from tests.support.engine_nodes import TEST_CATALOGUE, PlainNode, chain

MASTER_KEY = SecretStr(base64.b64encode(bytes(32)).decode())
APP = UUID(int=5)
VALUE = "plant-and-tell-nobody"


class Use(PlainNode):
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
        "use": NodeType(type="use", execution="executable", parse=Use),
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


async def asked(cluster: Cluster, version: int = 3) -> AcceptRun:
    key = EnvironmentValue(name="KEY", value_type="secret", secret_version=version)
    plain = EnvironmentValue(name="PLAIN", value="seen")
    return await cluster.asked(chain({"type": "use"}), app_id=APP, environment=(key, plain))


async def rows(database: FreshDatabase, run_id: UUID) -> list[bytes]:
    """Whatever the engine's tables hold of a run, as bytes."""
    async with await create_pool(database.url) as pool, pool.acquire() as connection:
        await connection.execute("select set_config('heddle.tenants', $1, false)", str(TENANT))
        found = await connection.fetch("select bytes from engine.journal where run_id = $1", run_id)
        runs = await connection.fetch("select * from engine.runs where run_id = $1", run_id)
        outbox = await connection.fetch("select body from engine.outbox")
        return [row["bytes"] for row in found] + [
            json.dumps([str(value) for value in row]).encode() for row in (*runs, *outbox)
        ]


@asynccontextmanager
async def secrets_cluster(
    database: FreshDatabase, bus: MessageBus, objects: ObjectStore
) -> AsyncGenerator[Cluster]:
    """Engines that ask whoever keeps secrets on `bus`."""
    clock = SystemClock()
    async with postgres_cluster(
        database,
        bus,
        sealing=RunSeal(MASTER_KEY),
        objects=objects,
        secrets=lambda: BackendSecrets(bus, SealedBox(MASTER_KEY), clock),
    ) as made:
        yield made
