"""What a conversation remembers from run to run, whoever drives them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import JsonValue

from libs.common.contracts.conversation_variables import (
    ChangeVariable,
    ConversationDeleted,
    VariablesQuery,
)
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.run_commands import AcceptRun
from libs.common.contracts.run_forks import RunOrigin
from libs.common.contracts.subjects import CONVERSATION_DELETED
from libs.common.contracts.workflows import WorkflowDefinition
from libs.common.identifiers import uuid7
from libs.common.messaging.in_memory_bus import InMemoryBus
from services.engine.app.errors import VariableRefused, VariableUnknown, WorkflowUnknown
from services.engine.domain.events.journal import RunStarted, VariableUpdated
from services.engine.domain.nodes.catalogue import CATALOGUE
from tests.support.databases import FreshDatabase
from tests.support.engine_callees import Callees
from tests.support.engine_harness import (
    FAST,
    TENANT,
    Cluster,
    eventually,
    in_memory_cluster,
    postgres_cluster,
)
from tests.support.engine_nodes import TEST_CATALOGUE, chain

OPTIONS = replace(FAST, catalogue={**TEST_CATALOGUE, "assigner": CATALOGUE["assigner"]})
HELD = {"type": "compute", "code": "a"}


@pytest.fixture(params=["memory", "postgres"])
async def cluster(
    request: pytest.FixtureRequest, bus: InMemoryBus, callees: Callees
) -> AsyncIterator[Cluster]:
    if request.param == "memory":
        async with in_memory_cluster(bus) as made:
            yield made
    else:
        database: FreshDatabase = request.getfixturevalue("migrated_database")
        async with postgres_cluster(database, bus) as made:
            yield made


def _declared(**values: tuple[str, JsonValue]) -> tuple[dict[str, JsonValue], ...]:
    return tuple(
        {"id": f"id-{name}", "name": name, "value_type": kind, "value": value}
        for name, (kind, value) in values.items()
    )


COUNTED = _declared(n=("number", 0), said=("array[string]", []))


def _assign(name: str, operation: str, value: JsonValue) -> dict[str, Any]:
    constant = not isinstance(value, list)
    return {
        "type": "assigner",
        "version": "2",
        "items": [
            {
                "variable_selector": ["conversation", name],
                "operation": operation,
                "input_type": "constant" if constant else "variable",
                "value": value,
            }
        ],
    }


COUNT = _assign("n", "+=", 1)
SAY = _assign("said", "append", ["sys", "query"])


def _workflow(
    *nodes: dict[str, Any], declared: tuple[dict[str, JsonValue], ...] = COUNTED
) -> WorkflowDefinition:
    return chain(*nodes).model_copy(update={"conversation_variables": declared})


async def _turn(
    cluster: Cluster, definition: WorkflowDefinition, conversation: UUID, query: str = "q"
) -> AcceptRun:
    """A turn, handed to the last replica."""
    asked = await cluster.asked(definition, conversation_id=conversation, system={"query": query})
    await cluster.replicas[-1].engine.use_cases.accept.execute(asked)
    return asked


async def _ended(cluster: Cluster, *turns: AcceptRun) -> None:
    for turn in turns:
        assert (await cluster.ended(turn.run_id)).status == "succeeded"


async def _values(
    cluster: Cluster, definition: WorkflowDefinition, conversation: UUID
) -> dict[str, JsonValue]:
    query = VariablesQuery(
        tenant_id=TENANT,
        conversation_id=conversation,
        workflow_hash=await cluster.register(definition),
    )
    found = await cluster.replicas[-1].engine.use_cases.variables.execute(query)
    return {each.name: each.value for each in found.variables}


async def _change(
    cluster: Cluster, definition: WorkflowDefinition, conversation: UUID, name: str, value: Any
) -> None:
    command = ChangeVariable(
        tenant_id=TENANT,
        conversation_id=conversation,
        workflow_hash=await cluster.register(definition),
        variable_id=f"id-{name}",
        value=value,
    )
    await cluster.replicas[-1].engine.use_cases.change_variable.execute(command)


async def _started_with(cluster: Cluster, turn: AcceptRun) -> dict[str, JsonValue]:
    first = (await cluster.journal(turn.run_id))[0].event
    assert isinstance(first, RunStarted)
    return first.conversation


async def test_a_turn_begins_where_the_last_one_ended(cluster: Cluster) -> None:
    await cluster.replica(OPTIONS, serve=False)
    definition, conversation = _workflow(COUNT, SAY), uuid4()
    for place in (1, 2, 3):
        turn = await _turn(cluster, definition, conversation, f"turn {place}")
        await _ended(cluster, turn)
        assert (await _started_with(cluster, turn))["n"] == place - 1
    assert await _values(cluster, definition, conversation) == {
        "n": 3,
        "said": ["turn 1", "turn 2", "turn 3"],
    }
    assert await _values(cluster, definition, uuid4()) == {"n": 0, "said": []}


async def test_what_a_deleted_conversation_kept_is_gone(cluster: Cluster, bus: InMemoryBus) -> None:
    replica = await cluster.replica(OPTIONS)
    definition, conversation = _workflow(COUNT), uuid4()
    await _ended(cluster, await _turn(cluster, definition, conversation))
    fact = ConversationDeleted(tenant_id=TENANT, conversation_id=conversation)
    for name in ("1", "2"):
        await bus.enqueue(
            CONVERSATION_DELETED, fact, envelope=Envelope(tenant_id=TENANT), message_id=name
        )

    async def gone() -> bool:
        return await replica.stores.conversations.variables(TENANT, conversation) == []

    await eventually(gone)


async def test_the_variable_names_the_event_that_changed_it(cluster: Cluster) -> None:
    replica = await cluster.replica(OPTIONS, serve=False)
    conversation = uuid4()
    turn = await _turn(cluster, _workflow(COUNT), conversation)
    await _ended(cluster, turn)
    (kept,) = await replica.stores.conversations.variables(TENANT, conversation)
    (changed,) = [
        entry
        for entry in await cluster.journal(turn.run_id)
        if isinstance(entry.event, VariableUpdated)
    ]
    assert (kept.run_id, kept.seq, kept.value) == (turn.run_id, changed.seq, 1)


async def test_a_run_works_on_what_was_there_when_it_began(
    cluster: Cluster, callees: Callees
) -> None:
    await cluster.replica(OPTIONS, serve=False)
    callees.gate.clear()
    definition, conversation = _workflow(HELD, COUNT), uuid4()
    turn = await _turn(cluster, definition, conversation)
    await asyncio.wait_for(callees.arrived.wait(), 10)
    await _change(cluster, definition, conversation, "n", 40)
    await _change(cluster, definition, conversation, "said", ["kept"])
    callees.gate.set()
    await _ended(cluster, turn)
    assert await _values(cluster, definition, conversation) == {"n": 1, "said": ["kept"]}


async def test_of_runs_side_by_side_the_last_change_of_each_variable_stays(
    cluster: Cluster, callees: Callees
) -> None:
    await cluster.replica(OPTIONS, serve=False)
    callees.gate.clear()
    conversation = uuid4()
    counts, says = _workflow(HELD, COUNT), _workflow(HELD, SAY)
    turns = [
        await _turn(cluster, definition, conversation) for definition in (counts, says, counts)
    ]

    async def all_began() -> bool:
        return len(callees.effects) == len(turns)

    await eventually(all_began)
    callees.gate.set()
    await _ended(cluster, *turns)
    assert await _values(cluster, counts, conversation) == {"n": 1, "said": ["q"]}


async def test_who_takes_a_run_over_does_not_repeat_its_change(
    cluster: Cluster, callees: Callees
) -> None:
    await cluster.replica(OPTIONS, serve=False)
    callees.gate.clear()
    definition, conversation = _workflow(COUNT, HELD, SAY), uuid4()
    turn = await _turn(cluster, definition, conversation)
    await asyncio.wait_for(callees.arrived.wait(), 10)
    assert (await _values(cluster, definition, conversation))["n"] == 1
    await _change(cluster, definition, conversation, "n", 40)
    await cluster.replicas[0].kill()
    await cluster.replicas[0].expire()
    callees.gate.set()
    await cluster.replica(OPTIONS, serve=False)
    await _ended(cluster, turn)
    assert await _values(cluster, definition, conversation) == {"n": 40, "said": ["q"]}
    updates = [
        entry.event.selector[1]
        for entry in await cluster.journal(turn.run_id)
        if isinstance(entry.event, VariableUpdated)
    ]
    assert updates == ["n", "said"]


async def test_what_no_longer_fits_the_declared_type_is_the_declared_value(
    cluster: Cluster,
) -> None:
    await cluster.replica(OPTIONS, serve=False)
    conversation = uuid4()
    as_text = _workflow(declared=_declared(n=("string", "a")))
    as_number = _workflow(COUNT, declared=_declared(n=("number", 7)))
    await _change(cluster, as_text, conversation, "n", "many")
    assert await _values(cluster, as_number, conversation) == {"n": 7}
    turn = await _turn(cluster, as_number, conversation)
    await _ended(cluster, turn)
    assert await _values(cluster, as_number, conversation) == {"n": 8}
    assert await _values(cluster, as_text, conversation) == {"n": "a"}


async def test_without_a_conversation_nothing_is_kept(cluster: Cluster) -> None:
    replica = await cluster.replica(OPTIONS, serve=False)
    asked = await cluster.asked(_workflow(COUNT), conversation_variables={"n": 5})
    await replica.engine.use_cases.accept.execute(asked)
    await _ended(cluster, asked)
    assert await _started_with(cluster, asked) == {"n": 5}
    assert await replica.stores.conversations.variables(TENANT, UUID(int=0)) == []


async def test_a_value_from_outside_is_checked(cluster: Cluster) -> None:
    await cluster.replica(replace(OPTIONS, variable_bytes=50), serve=False)
    definition, conversation = _workflow(), uuid4()
    with pytest.raises(VariableRefused, match="expects number, but got string type"):
        await _change(cluster, definition, conversation, "n", "1")
    with pytest.raises(VariableRefused, match="variable size 52 exceeds limit 50"):
        await _change(cluster, definition, conversation, "said", ["x" * 48])
    with pytest.raises(VariableRefused, match="no JSON text can hold"):
        await _change(cluster, definition, conversation, "said", ["\ud800"])
    with pytest.raises(VariableUnknown):
        await _change(cluster, definition, conversation, "nobody", 1)
    query = VariablesQuery(tenant_id=TENANT, conversation_id=conversation, workflow_hash="none")
    with pytest.raises(WorkflowUnknown):
        await cluster.replicas[0].engine.use_cases.variables.execute(query)


async def test_the_bound_of_a_run_is_that_of_its_start(cluster: Cluster) -> None:
    await cluster.replica(replace(OPTIONS, variable_bytes=10), serve=False)
    turn = await _turn(cluster, _workflow(SAY), uuid4(), "twelve chars")
    view = await cluster.ended(turn.run_id)
    assert (view.status, view.error) == (
        "failed",
        "variable size 16 exceeds limit 10: conversation.said",
    )


async def test_a_run_that_begins_from_another_has_its_beginning_and_keeps_nothing(
    cluster: Cluster,
) -> None:
    await cluster.replica(OPTIONS, serve=False)
    definition, conversation = _workflow(COUNT, SAY), uuid4()
    await _ended(cluster, await _turn(cluster, definition, conversation, "one"))
    second = await _turn(cluster, definition, conversation, "two")
    await _ended(cluster, second)
    origin = RunOrigin(kind="fork", run_id=second.run_id, from_node="n2", taken=("n1",))
    fork = second.model_copy(
        update={
            "run_id": uuid7(),
            "origin": origin,
            "conversation_variables": {"n": 0, "said": []},
        }
    )
    await cluster.replicas[-1].engine.use_cases.accept.execute(fork)
    await _ended(cluster, fork)
    assert await _started_with(cluster, fork) == {"n": 1, "said": ["one"]}
    updates = [
        (entry.event.node_id, entry.event.value)
        for entry in await cluster.journal(fork.run_id)
        if isinstance(entry.event, VariableUpdated)
    ]
    assert updates == [("n1", 2), ("n2", ["one", "two"])]
    kept = await cluster.replicas[-1].stores.conversations.variables(TENANT, conversation)
    assert {each.run_id for each in kept} == {second.run_id}
