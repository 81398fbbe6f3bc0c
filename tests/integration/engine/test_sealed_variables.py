"""Conversation variables of runs with secrets: stored closed, shown masked, for such runs only."""

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from pydantic import JsonValue, SecretStr

from libs.common.contracts.conversation_variables import VariablesQuery
from libs.common.contracts.run_commands import AcceptRun, EnvironmentValue
from libs.common.contracts.workflows import WorkflowDefinition
from libs.common.database.asyncpg_pool import create_pool
from libs.common.messaging.in_memory_bus import InMemoryBus
from libs.common.run_seal import RunSeal
from libs.common.run_sealing import MASK
from services.engine.domain.events.journal import RunStarted
from services.engine.domain.nodes.catalogue import CATALOGUE
from tests.support.databases import FreshDatabase
from tests.support.engine_harness import FAST, TENANT, Cluster, postgres_cluster
from tests.support.engine_nodes import TEST_CATALOGUE, chain

APP = UUID(int=5)
VALUE = "plant-and-tell-nobody"
OPTIONS = replace(FAST, catalogue={**TEST_CATALOGUE, "assigner": CATALOGUE["assigner"]})
SEAL = SecretStr(base64.b64encode(bytes(32)).decode())
KEEPS = chain(
    {
        "type": "assigner",
        "version": "2",
        "items": [
            {
                "variable_selector": ["conversation", "said"],
                "operation": "append",
                "input_type": "variable",
                "value": ["env", "KEY"],
            }
        ],
    }
).model_copy(
    update={
        "conversation_variables": (
            {"id": "1", "name": "said", "value_type": "array[string]", "value": []},
        )
    }
)


class _Secrets:
    """Implements EnvironmentSecrets with one value."""

    async def open(
        self, tenant_id: UUID, app_id: UUID, wanted: object, *, patience: float
    ) -> dict[str, JsonValue]:
        return {"KEY": VALUE}


@pytest.fixture
async def cluster(migrated_database: FreshDatabase, bus: InMemoryBus) -> AsyncIterator[Cluster]:
    async with postgres_cluster(
        migrated_database, bus, sealing=RunSeal(SEAL), secrets=_Secrets
    ) as made:
        yield made


async def _turn(
    cluster: Cluster, definition: WorkflowDefinition, conversation: UUID, *, secret: bool = True
) -> AcceptRun:
    key = EnvironmentValue(name="KEY", value_type="secret", secret_version=1)
    plain = EnvironmentValue(name="KEY", value="plain")
    asked = await cluster.asked(
        definition,
        app_id=APP,
        conversation_id=conversation,
        environment=(key if secret else plain,),
    )
    await cluster.replicas[0].engine.use_cases.accept.execute(asked)
    assert (await cluster.ended(asked.run_id)).status == "succeeded"
    return asked


async def _began_with(cluster: Cluster, turn: AcceptRun) -> JsonValue:
    first = (await cluster.journal(turn.run_id))[0].event
    assert isinstance(first, RunStarted)
    return first.conversation["said"]


async def test_it_lies_closed_and_the_next_run_opens_it(
    cluster: Cluster, migrated_database: FreshDatabase
) -> None:
    await cluster.replica(OPTIONS, serve=False)
    conversation = uuid4()
    await _turn(cluster, KEEPS, conversation)
    async with await create_pool(migrated_database.url) as pool, pool.acquire() as connection:
        await connection.execute("select set_config('heddle.tenants', $1, false)", str(TENANT))
        stored = await connection.fetchval("select value from engine.conversation_variables")
    assert VALUE.encode() not in stored
    assert stored.startswith(b"\0")
    second = await _turn(cluster, KEEPS, conversation)
    assert await _began_with(cluster, second) == [VALUE]


async def test_people_see_a_mask(cluster: Cluster) -> None:
    replica = await cluster.replica(OPTIONS, serve=False)
    conversation = uuid4()
    await _turn(cluster, KEEPS, conversation)
    query = VariablesQuery(
        tenant_id=TENANT,
        conversation_id=conversation,
        workflow_hash=await cluster.register(KEEPS),
    )
    (shown,) = (await replica.engine.use_cases.variables.execute(query)).variables
    assert shown.value == [MASK]


async def test_a_run_without_secrets_begins_with_the_declared_value(cluster: Cluster) -> None:
    await cluster.replica(OPTIONS, serve=False)
    conversation = uuid4()
    await _turn(cluster, KEEPS, conversation)
    second = await _turn(cluster, KEEPS, conversation, secret=False)
    assert await _began_with(cluster, second) == []
    third = await _turn(cluster, KEEPS, conversation)
    assert await _began_with(cluster, third) == ["plain"]


async def test_without_the_master_key_it_is_as_if_it_were_not_there(
    cluster: Cluster, migrated_database: FreshDatabase, bus: InMemoryBus
) -> None:
    await cluster.replica(OPTIONS, serve=False)
    conversation = uuid4()
    await _turn(cluster, KEEPS, conversation)
    other = SecretStr(base64.b64encode(bytes([1] * 32)).decode())
    for sealing in (RunSeal(other), None):
        async with postgres_cluster(migrated_database, bus, sealing=sealing) as blind:
            stores = (await blind.replica(OPTIONS, serve=False)).stores
            assert await stores.conversations.variables(TENANT, conversation) == []
