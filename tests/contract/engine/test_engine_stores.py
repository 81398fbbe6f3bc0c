"""What every implementation of the engine's stores must do: one suite, in memory and Postgres."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from libs.common.contracts.run_commands import AbortRun, ResumeRun
from libs.common.contracts.run_queries import RunsQuery
from libs.common.identifiers import uuid7
from services.engine.app.errors import RunIdOutOfRange, RunUnknown, WorkflowUnknown
from services.engine.app.ports.journal_store import Verdict
from services.engine.app.ports.run_store import FIRST_GROUP, Claim, Group
from services.engine.app.runs.run_started import run_started
from services.engine.domain.events.journal import JournalEvent, NodeStarted
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
            await _prepared(made)
            yield made
    else:
        async with postgres_stores(request.getfixturevalue("migrated_database")) as made:
            await _prepared(made)
            yield made


async def _prepared(stores: EngineStores) -> None:
    await stores.workflows.put(TENANT, HASH, DEFINITION)
    for worker in stores.workers:
        await stores.leases.beat(worker, seconds=30.0)


async def _claimed(stores: EngineStores, *, by: int = 0) -> Claim:
    accepted = await stores.runs.accept(request(TENANT), worker=stores.workers[by])
    assert accepted.claim is not None
    return accepted.claim


def _events(claim: Claim, *names: str) -> list[JournalEvent]:
    nodes = [
        NodeStarted(at=2.0, node_id=name, frame="", index=1, predecessor=None) for name in names
    ]
    return [run_started(claim.request, now=1.0), *nodes]


async def test_a_run_of_an_unknown_workflow_is_refused(stores: EngineStores) -> None:
    with pytest.raises(WorkflowUnknown):
        await stores.runs.accept(request(uuid4()), worker=None)


async def test_a_run_id_from_another_age_is_refused(stores: EngineStores) -> None:
    old = UUID(int=(1_000_000_000_000 << 80) | (7 << 76) | (2 << 62))
    with pytest.raises(RunIdOutOfRange):
        await stores.runs.accept(request(TENANT).model_copy(update={"run_id": old}), worker=None)


async def test_accepting_again_changes_nothing(stores: EngineStores) -> None:
    asked = request(TENANT)
    first = await stores.runs.accept(asked, worker=stores.workers[0])
    again = await stores.runs.accept(asked, worker=stores.workers[1])
    assert (first.already_known, first.status) == (False, "running")
    assert (again.already_known, again.status, again.claim) == (True, "running", None)
    assert (await stores.runs.find(TENANT, asked.run_id)).epoch == 1


async def test_a_worker_accepts_and_claims_in_one_step(stores: EngineStores) -> None:
    claim = await _claimed(stores)
    assert (claim.epoch, claim.fresh) == (1, True)


async def test_nobody_overtakes_a_queued_run_of_the_same_group(stores: EngineStores) -> None:
    app = uuid4()
    first = await stores.runs.accept(request(TENANT, app_id=app), worker=None)
    second = await stores.runs.accept(request(TENANT, app_id=app), worker=stores.workers[0])
    other = await stores.runs.accept(request(TENANT), worker=stores.workers[0])
    assert (first.status, second.status, other.status) == ("queued", "queued", "running")


async def test_a_worker_without_a_lease_claims_nothing(stores: EngineStores) -> None:
    stranger = uuid4()
    accepted = await stores.runs.accept(request(TENANT), worker=stranger)
    groups = await stores.runs.queued_groups(after=FIRST_GROUP, most=10)
    assert accepted.status == "queued"
    assert await stores.runs.claim_queued(stranger, groups) == []


async def test_groups_come_in_order_from_the_cursor(stores: EngineStores) -> None:
    apps = sorted(uuid4() for _ in range(5))
    for app in apps:
        for _ in range(3):
            await stores.runs.accept(request(TENANT, app_id=app), worker=None)
    walk = await stores.runs.queued_groups(after=Group(TENANT, apps[1]), most=2)
    assert walk == [Group(TENANT, apps[2]), Group(TENANT, apps[3])]


async def test_one_claim_takes_the_oldest_of_each_group(stores: EngineStores) -> None:
    app, other = uuid4(), uuid4()
    oldest = request(TENANT, app_id=app)
    for each in (oldest, request(TENANT, app_id=app), request(TENANT, app_id=other)):
        await stores.runs.accept(each, worker=None)
    groups = await stores.runs.queued_groups(after=FIRST_GROUP, most=10)
    claims = await stores.runs.claim_queued(stores.workers[0], groups)
    assert len(claims) == 2
    assert oldest.run_id in {claim.run_id for claim in claims}
    assert {claim.epoch for claim in claims} == {1}


async def test_a_group_at_its_limit_is_passed_over(stores: EngineStores) -> None:
    app = uuid4()
    for _ in range(2):
        await stores.limited_runs.accept(request(TENANT, app_id=app), worker=None)
    group = Group(TENANT, app)
    first = await stores.limited_runs.claim_queued(stores.workers[0], [group])
    second = await stores.limited_runs.claim_queued(stores.workers[1], [group])
    assert (len(first), len(second)) == (1, 0)


async def test_what_was_written_is_read_back_in_order(stores: EngineStores) -> None:
    claim = await _claimed(stores)
    events = _events(claim, "a", "b\0")
    assert await stores.write(claim, 1, events[:1]) is Verdict.TAKEN
    assert await stores.write(claim, 2, events[1:]) is Verdict.TAKEN
    read = await stores.reader.read(TENANT, claim.run_id)
    assert [entry.seq for entry in read] == [1, 2, 3]
    assert [entry.event for entry in read] == events
    newest = await stores.reader.newest(TENANT, claim.run_id, before=None, rows=1)
    before = await stores.reader.newest(TENANT, claim.run_id, before=2, rows=5)
    assert [*newest] == [(2, type(events[1])), (3, type(events[2]))]
    assert [*before] == [(1, type(events[0]))]


async def test_a_journal_is_read_on_from_any_event(stores: EngineStores) -> None:
    claim = await _claimed(stores)
    events = _events(claim, "a", "b", "c")
    assert await stores.write(claim, 1, events[:3]) is Verdict.TAKEN
    assert await stores.write(claim, 4, events[3:]) is Verdict.TAKEN

    async def seqs(place: int, rows: int) -> list[int]:
        found = await stores.reader.after(TENANT, claim.run_id, place=place, rows=rows)
        assert [entry.event for entry in found] == events[place : place + len(found)]
        return [entry.seq for entry in found]

    assert await seqs(0, 1) == [1, 2, 3]
    assert await seqs(0, 2) == [1, 2, 3, 4]
    assert await seqs(1, 1) == [2, 3]
    assert await seqs(3, 1) == [4]
    assert await seqs(4, 9) == await seqs(7, 9) == []
    assert await stores.reader.after(uuid4(), claim.run_id, place=0, rows=9) == []


async def test_a_place_in_the_journal_is_written_once(stores: EngineStores) -> None:
    claim = await _claimed(stores)
    events = _events(claim)
    assert await stores.write(claim, 1, events) is Verdict.TAKEN
    assert await stores.write(claim, 1, events) is Verdict.LOST


async def test_a_stale_epoch_cannot_write(stores: EngineStores) -> None:
    stale = await _claimed(stores)
    await stores.leases.beat(stores.workers[0], seconds=-1.0)
    (fresh,) = await stores.runs.claim_orphaned(stores.workers[1], driven=None, most=10)
    await stores.leases.beat(stores.workers[0], seconds=30.0)
    assert await stores.write(stale, 1, _events(stale), by=0) is Verdict.LOST
    assert await stores.write(fresh, 1, _events(fresh), by=1) is Verdict.TAKEN
    assert (fresh.epoch, fresh.takeovers) == (2, 1)


async def test_another_worker_cannot_write_under_a_borrowed_epoch(stores: EngineStores) -> None:
    claim = await _claimed(stores, by=0)
    assert await stores.write(claim, 1, _events(claim), by=1) is Verdict.LOST


async def test_one_lost_run_leaves_its_neighbours_alone(stores: EngineStores) -> None:
    lost, kept = await _claimed(stores), await _claimed(stores)
    assert await stores.runs.release(stores.workers[0], [lost]) == 1
    assert await stores.write(lost, 1, _events(lost)) is Verdict.LOST
    assert await stores.write(kept, 1, _events(kept)) is Verdict.TAKEN


async def test_an_event_that_cannot_be_stored_is_refused_alone(stores: EngineStores) -> None:
    bad, good = await _claimed(stores), await _claimed(stores)
    assert await stores.write(bad, 1, _events(bad, "\ud800")) is Verdict.UNFIT
    assert await stores.write(good, 1, _events(good)) is Verdict.TAKEN


async def test_a_living_workers_runs_are_nobody_elses(stores: EngineStores) -> None:
    await _claimed(stores, by=0)
    assert await stores.runs.claim_orphaned(stores.workers[1], driven=[], most=10) == []


async def test_a_worker_gets_back_its_own_runs_uncounted(stores: EngineStores) -> None:
    driven, dropped = await _claimed(stores), await _claimed(stores)
    worker = stores.workers[0]
    assert await stores.runs.claim_orphaned(worker, driven=None, most=10) == []
    (back,) = await stores.runs.claim_orphaned(worker, driven=[driven.run_id], most=10)
    assert (back.run_id, back.epoch, back.takeovers) == (dropped.run_id, 2, 0)


async def test_progress_forgives_takeovers(stores: EngineStores) -> None:
    await _claimed(stores)
    await stores.leases.beat(stores.workers[0], seconds=-1.0)
    (second,) = await stores.runs.claim_orphaned(stores.workers[1], driven=None, most=10)
    await stores.write(second, 1, _events(second), by=1, progressed=True)
    await stores.leases.beat(stores.workers[1], seconds=-1.0)
    await stores.leases.beat(stores.workers[0], seconds=30.0)
    (third,) = await stores.runs.claim_orphaned(stores.workers[0], driven=None, most=10)
    assert (second.takeovers, third.takeovers) == (1, 1)


async def test_a_released_run_is_queued_and_counts_no_takeover(stores: EngineStores) -> None:
    claim = await _claimed(stores)
    assert await stores.runs.release(stores.workers[0], [claim]) == 1
    assert await stores.runs.release(stores.workers[0], [claim]) == 0
    groups = await stores.runs.queued_groups(after=FIRST_GROUP, most=10)
    (again,) = await stores.runs.claim_queued(stores.workers[1], groups)
    assert (again.epoch, again.takeovers) == (2, 0)


async def test_only_the_owner_sets_a_run_aside(stores: EngineStores) -> None:
    claim = await _claimed(stores, by=0)
    other, owner = stores.workers[1], stores.workers[0]
    assert not await stores.runs.set_aside(other, claim, "quarantined", "no")
    assert await stores.runs.set_aside(owner, claim, "quarantined", "it\0 broke")
    found = await stores.runs.find(TENANT, claim.run_id)
    assert found.status == "quarantined"
    assert found.evidence is not None


async def test_a_run_is_handed_over_uncounted_to_one_with_a_lease(stores: EngineStores) -> None:
    claim = await _claimed(stores, by=0)
    owner, other = stores.workers
    assert await stores.runs.hand_over(owner, claim, to=uuid4()) is None
    assert await stores.runs.hand_over(other, claim, to=other) is None
    handed = await stores.runs.hand_over(owner, claim, to=other)
    assert handed is not None
    assert (handed.epoch, handed.takeovers, handed.fresh) == (2, 0, False)
    assert handed.request == claim.request
    assert await stores.write(claim, 1, _events(claim), by=0) is Verdict.LOST
    assert await stores.write(handed, 1, _events(handed), by=1) is Verdict.TAKEN


async def test_how_an_owner_died_is_kept_until_somebody_else_owns(stores: EngineStores) -> None:
    claim = await _claimed(stores, by=0)
    owner, other = stores.workers
    await stores.runs.note_death(other, claim, "not mine")
    assert (await stores.runs.find(TENANT, claim.run_id)).evidence is None
    await stores.runs.note_death(owner, claim, "signal 9")
    await stores.leases.step_down(owner)
    (taken,) = await stores.runs.claim_orphaned(other, driven=None, most=10)
    await stores.runs.note_death(owner, claim, "too late")
    assert taken.takeovers == 1
    assert (await stores.runs.find(TENANT, claim.run_id)).evidence == "signal 9"


async def test_a_run_set_aside_is_resumed_once_a_command(stores: EngineStores) -> None:
    claim = await _claimed(stores, by=0)
    owner, other = stores.workers
    command = ResumeRun(tenant_id=TENANT, run_id=claim.run_id, command_id=uuid4())
    assert (await stores.commands.resume(command)).applied is False
    await stores.leases.step_down(owner)
    (taken,) = await stores.runs.claim_orphaned(other, driven=None, most=10)
    assert await stores.runs.set_aside(other, taken, "quarantined", "it broke")
    assert await stores.commands.resume(command) == (True, "queued", 2)
    groups = await stores.runs.queued_groups(after=FIRST_GROUP, most=10)
    (again,) = await stores.runs.claim_queued(other, groups)
    assert (again.epoch, again.takeovers) == (3, 0)
    assert await stores.runs.set_aside(other, again, "quarantined", "again")
    assert await stores.commands.resume(command) == (True, "quarantined", 3)
    assert await stores.commands.undrained(TENANT, claim.run_id) == []
    with pytest.raises(RunUnknown):
        await stores.commands.resume(command.model_copy(update={"run_id": uuid7()}))


async def test_a_command_is_kept_once_and_found_by_its_owner(stores: EngineStores) -> None:
    claim = await _claimed(stores)
    command = AbortRun(tenant_id=TENANT, run_id=claim.run_id, command_id=uuid7(), reason="enough\0")
    assert await stores.commands.add(command) == (True, "running", 1)
    assert await stores.commands.add(command) == (True, "running", 1)
    (stored,) = await stores.commands.undrained(TENANT, claim.run_id)
    assert stored == command
    (told,) = await stores.commands.commanded_runs(stores.workers[0])
    assert told.run_id == claim.run_id
    assert await stores.commands.commanded_runs(stores.workers[1]) == []


async def test_another_tenants_run_is_unknown(stores: EngineStores) -> None:
    claim = await _claimed(stores)
    stranger = uuid4()
    with pytest.raises(RunUnknown):
        await stores.runs.find(stranger, claim.run_id)
    with pytest.raises(RunUnknown):
        await stores.commands.add(
            AbortRun(tenant_id=stranger, run_id=claim.run_id, command_id=uuid4())
        )
    assert await stores.reader.read(stranger, claim.run_id) == []


async def test_runs_are_told_by_status_newest_first(stores: EngineStores) -> None:
    queued = [request(TENANT) for _ in range(3)]
    for asked in queued:
        await stores.runs.accept(asked, worker=None)
    aside = await _claimed(stores)
    assert await stores.runs.set_aside(stores.workers[0], aside, "quarantined", "it broke")
    ids = sorted((asked.run_id for asked in queued), reverse=True)
    first = await stores.runs.summaries(RunsQuery(tenant_id=TENANT, status="queued", limit=2))
    assert [run.run_id for run in first] == ids[:2]
    rest = RunsQuery(tenant_id=TENANT, status="queued", before=ids[1])
    assert [run.run_id for run in await stores.runs.summaries(rest)] == ids[2:]
    one_app = RunsQuery(tenant_id=TENANT, status="queued", app_id=queued[0].app_id)
    (of_app,) = await stores.runs.summaries(one_app)
    assert (of_app.run_id, of_app.evidence) == (queued[0].run_id, None)
    (told,) = await stores.runs.summaries(RunsQuery(tenant_id=TENANT, status="quarantined"))
    assert (told.run_id, told.status, told.evidence) == (aside.run_id, "quarantined", "it broke")
    named = RunsQuery(tenant_id=TENANT, run_ids=(aside.run_id, ids[0], uuid7()))
    assert {run.run_id for run in await stores.runs.summaries(named)} == {aside.run_id, ids[0]}
    assert await stores.runs.summaries(RunsQuery(tenant_id=uuid4(), status="queued")) == []
