"""What every implementation of ConversationStore, and of a journal that changes variables, must do:
one suite, in memory and Postgres."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from services.engine.app.errors import JournalRefused
from services.engine.app.ports.journal_store import VariableChange, Verdict
from services.engine.app.ports.run_store import Claim
from services.engine.app.runs.run_started import run_started
from services.engine.domain.events.journal import JournalEvent, VariableUpdated
from services.engine.domain.variables.values import Value
from tests.support.engine_stores import (
    DEFINITION,
    HASH,
    EngineStores,
    in_memory_stores,
    postgres_stores,
    request,
)

TENANT = UUID("00000000-0000-7000-8000-000000000001")


@pytest.fixture(params=["memory", "postgres"])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[EngineStores]:
    if request.param == "memory":
        async with in_memory_stores() as made:
            yield await _prepared(made)
    else:
        async with postgres_stores(request.getfixturevalue("migrated_database")) as made:
            yield await _prepared(made)


async def _prepared(stores: EngineStores) -> EngineStores:
    await stores.workflows.put(TENANT, HASH, DEFINITION)
    for worker in stores.workers:
        await stores.leases.beat(worker, seconds=30.0)
    return stores


async def _claimed(stores: EngineStores) -> Claim:
    accepted = await stores.runs.accept(request(TENANT), worker=stores.workers[0])
    assert accepted.claim is not None
    return accepted.claim


async def _write(
    stores: EngineStores, claim: Claim, conversation: UUID, first_seq: int = 1, **values: Value
) -> Verdict:
    """Append a change of each variable."""
    events: list[JournalEvent] = [
        VariableUpdated(
            at=1.0, node_id="as", frame="", selector=["conversation", name], value=value
        )
        for name, value in values.items()
    ]
    changes = {
        name: VariableChange(seq, value)
        for seq, (name, value) in enumerate(values.items(), first_seq)
    }
    return await stores.write(
        claim, first_seq, events, conversation_id=conversation, changes=changes
    )


async def _kept(stores: EngineStores, conversation: UUID) -> dict[str, Value]:
    found = await stores.conversations.variables(TENANT, conversation)
    return {each.name: each.value for each in found}


async def test_nothing_is_kept_of_a_new_conversation(stores: EngineStores) -> None:
    assert await stores.conversations.variables(TENANT, uuid4()) == []


async def test_what_a_run_changes_is_kept_with_the_event_that_changed_it(
    stores: EngineStores,
) -> None:
    claim, conversation = await _claimed(stores), uuid4()
    assert await _write(stores, claim, conversation, n=1, s="a\0b") is Verdict.TAKEN
    found = await stores.conversations.variables(TENANT, conversation)
    assert [(each.name, each.value, each.run_id, each.seq) for each in found] == [
        ("n", 1, claim.run_id, 1),
        ("s", "a\0b", claim.run_id, 2),
    ]
    assert not any(each.sealed for each in found)


async def test_the_last_change_stays_and_the_first_instant_too(stores: EngineStores) -> None:
    first, second, conversation = await _claimed(stores), await _claimed(stores), uuid4()
    await _write(stores, first, conversation, n=1, only=[1])
    (_, before) = await stores.conversations.variables(TENANT, conversation)
    await _write(stores, second, conversation, n=2)
    await _write(stores, second, conversation, 2, n={"k": None})
    found = {each.name: each for each in await stores.conversations.variables(TENANT, conversation)}
    assert (found["n"].value, found["n"].run_id, found["n"].seq) == ({"k": None}, second.run_id, 2)
    assert found["only"] == before
    assert found["n"].changed_at >= found["n"].created_at


async def test_a_lost_run_changes_nothing(stores: EngineStores) -> None:
    claim, conversation = await _claimed(stores), uuid4()
    await stores.runs.release(stores.workers[0], [claim])
    assert await _write(stores, claim, conversation, n=1) is Verdict.LOST
    assert await _kept(stores, conversation) == {}


async def test_a_place_that_is_taken_changes_nothing(stores: EngineStores) -> None:
    claim, conversation = await _claimed(stores), uuid4()
    assert await _write(stores, claim, conversation, n=1) is Verdict.TAKEN
    assert await _write(stores, claim, conversation, n=2) is Verdict.LOST
    assert await _kept(stores, conversation) == {"n": 1}


async def test_conversations_and_tenants_know_nothing_of_each_other(stores: EngineStores) -> None:
    claim, one, other = await _claimed(stores), uuid4(), uuid4()
    await _write(stores, claim, one, n=1)
    await _write(stores, claim, other, 2, n=2)
    assert (await _kept(stores, one), await _kept(stores, other)) == ({"n": 1}, {"n": 2})
    assert await stores.conversations.variables(uuid4(), one) == []


async def test_a_change_from_outside_has_no_run(stores: EngineStores) -> None:
    claim, conversation = await _claimed(stores), uuid4()
    await _write(stores, claim, conversation, n=1)
    changed = await stores.conversations.change(TENANT, conversation, "n", 5)
    added = await stores.conversations.change(TENANT, conversation, "s", "x")
    assert (changed.value, changed.run_id, changed.seq) == (5, None, 0)
    assert await stores.conversations.variables(TENANT, conversation) == [changed, added]
    with pytest.raises(JournalRefused):
        await stores.conversations.change(TENANT, conversation, "s", "\ud800")
    await _write(stores, claim, conversation, 2, n=7)
    assert await _kept(stores, conversation) == {"n": 7, "s": "x"}


async def test_the_first_instant_of_a_started_run_comes_with_its_changes(
    stores: EngineStores,
) -> None:
    """All of an append or nothing: the change stands beside events of other kinds."""
    claim, conversation = await _claimed(stores), uuid4()
    update = VariableUpdated(
        at=1.0, node_id="as", frame="", selector=["conversation", "n"], value=3
    )
    events: list[JournalEvent] = [run_started(claim.request, now=1.0), update]
    changes = {"n": VariableChange(2, 3)}
    verdict = await stores.write(
        claim, 1, events, conversation_id=conversation, changes=changes, progressed=True
    )
    assert verdict is Verdict.TAKEN
    entries = await stores.reader.read(TENANT, claim.run_id)
    assert [entry.event for entry in entries] == events
    assert await _kept(stores, conversation) == {"n": 3}


async def test_a_conversation_that_is_forgotten_begins_anew(stores: EngineStores) -> None:
    claim, conversation, other = await _claimed(stores), uuid4(), uuid4()
    await _write(stores, claim, conversation, n=1, m=2)
    await stores.conversations.change(TENANT, other, "n", 5)
    await stores.conversations.forget(uuid4(), conversation)
    assert await _kept(stores, conversation) == {"m": 2, "n": 1}
    for _ in range(2):
        await stores.conversations.forget(TENANT, conversation)
        assert await _kept(stores, conversation) == {}
    assert await _kept(stores, other) == {"n": 5}
    await _write(stores, claim, conversation, 3, n=7)
    assert await _kept(stores, conversation) == {"n": 7}
