"""What every ledger of keyed calls does."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from libs.common.contracts.envelope import Effect
from libs.common.errors import WireError
from libs.common.identifiers import uuid7
from libs.common.keyed_calls.ledger import (
    KEEP_ENDED,
    CancelledClaim,
    Claimed,
    HeldBy,
    OutcomeUnknown,
    Recorded,
    RequestMismatch,
    RunAlreadyEnded,
    StaleEpoch,
    TakenOver,
)
from tests.contract.keyed_calls.conftest import LedgerWorld

Make = Callable[..., Effect]


async def test_a_new_key_is_claimed_and_its_result_comes_back(
    world: LedgerWorld, tenant_id: UUID, effect: Make
) -> None:
    ledger = world.new_process()
    claim = await ledger.claim(tenant_id, effect(), repeatable=True)
    assert claim == Claimed(claim_number=1)
    assert await ledger.record(tenant_id, "a", 1, "done", b"\x00answer")
    other = world.new_process()
    found = await other.claim(tenant_id, effect(), repeatable=True)
    assert found == Recorded(status="done", payload=b"\x00answer")


async def test_a_second_caller_learns_who_holds_the_call(
    world: LedgerWorld, tenant_id: UUID, effect: Make
) -> None:
    first, second = world.new_process(), world.new_process()
    await first.claim(tenant_id, effect(), repeatable=True)
    held = HeldBy(holder=first.holder, claim_number=1)
    assert await second.claim(tenant_id, effect(), repeatable=True) == held
    assert await first.claim(tenant_id, effect(), repeatable=True) == held


async def test_callers_at_once_get_one_claim(
    world: LedgerWorld, tenant_id: UUID, effect: Make
) -> None:
    ledgers = [world.new_process() for _ in range(4)]
    outcomes = await asyncio.gather(
        *(
            ledger.claim(tenant_id, effect(), repeatable=True)
            for ledger in ledgers
            for _ in range(8)
        )
    )
    assert sum(isinstance(outcome, Claimed) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, HeldBy) for outcome in outcomes) == 31


async def test_a_dead_holder_is_taken_over_and_its_result_refused(
    world: LedgerWorld, tenant_id: UUID, effect: Make
) -> None:
    dead, heir = world.new_process(), world.new_process()
    await dead.claim(tenant_id, effect(), repeatable=True)
    await world.lapse(dead)
    claim = await heir.claim(tenant_id, effect(), repeatable=True)
    assert claim == TakenOver(claim_number=2, previous_holder=dead.holder)
    assert not await dead.record(tenant_id, "a", 1, "done", b"late")
    assert await heir.record(tenant_id, "a", 2, "done", b"right")
    assert not await dead.record(tenant_id, "a", 1, "done", b"late")


async def test_a_beat_keeps_a_lease_and_stepping_down_ends_it(
    world: LedgerWorld, tenant_id: UUID, effect: Make
) -> None:
    holder, other = world.new_process(), world.new_process()
    await holder.claim(tenant_id, effect(), repeatable=True)
    await world.lapse(holder)
    await holder.beat()
    assert isinstance(await other.claim(tenant_id, effect(), repeatable=True), HeldBy)
    await holder.step_down()
    assert isinstance(await other.claim(tenant_id, effect(), repeatable=True), TakenOver)


async def test_an_unrepeatable_call_of_a_dead_holder_fails_for_good(
    world: LedgerWorld, tenant_id: UUID, effect: Make
) -> None:
    dead, heir = world.new_process(), world.new_process()
    await dead.claim(tenant_id, effect(effect_class="unsafe"), repeatable=False)
    await world.lapse(dead)
    with pytest.raises(OutcomeUnknown):
        await heir.claim(tenant_id, effect(effect_class="unsafe"), repeatable=False)
    assert not await dead.record(tenant_id, "a", 1, "done", b"late")
    found = await heir.claim(tenant_id, effect(effect_class="unsafe"), repeatable=False)
    assert isinstance(found, Recorded)
    assert found.status == "failed"
    assert isinstance(WireError.model_validate_json(found.payload).to_error(), OutcomeUnknown)


async def test_an_epoch_below_the_highest_seen_is_refused(
    world: LedgerWorld, tenant_id: UUID, run_id: UUID, effect: Make
) -> None:
    ledger = world.new_process()
    await ledger.claim(tenant_id, effect(epoch=3), repeatable=True)
    with pytest.raises(StaleEpoch):
        await ledger.claim(tenant_id, effect("b", epoch=2), repeatable=True)
    with pytest.raises(StaleEpoch):
        await ledger.claim(tenant_id, effect("a", epoch=2), repeatable=True)
    with pytest.raises(StaleEpoch):
        await ledger.cancel(tenant_id, run_id, "a", 2)
    found = await ledger.claim(tenant_id, effect("a", epoch=4), repeatable=True)
    assert isinstance(found, HeldBy)


async def test_a_higher_epoch_counts_from_its_first_call_on(
    world: LedgerWorld, tenant_id: UUID, run_id: UUID, effect: Make
) -> None:
    ledger = world.new_process()
    await ledger.claim(tenant_id, effect("a", epoch=1), repeatable=True)
    higher = await ledger.claim(tenant_id, effect("b", epoch=2), repeatable=True)
    assert higher == Claimed(claim_number=1)
    with pytest.raises(StaleEpoch):
        await ledger.claim(tenant_id, effect("c", epoch=1), repeatable=True)
    assert await ledger.cancel(tenant_id, run_id, "a", 3) is not None
    with pytest.raises(StaleEpoch):
        await ledger.claim(tenant_id, effect("b", epoch=2), repeatable=True)


async def test_a_key_belongs_to_one_run(
    world: LedgerWorld, tenant_id: UUID, run_id: UUID, effect: Make
) -> None:
    ledger, other = world.new_process(), uuid7()
    await ledger.claim(tenant_id, effect(), repeatable=True)
    wanted = effect().model_copy(update={"run_id": other})
    with pytest.raises(RequestMismatch):
        await ledger.claim(tenant_id, wanted, repeatable=True)
    assert await ledger.cancel(tenant_id, other, "a", 1) is None
    assert await ledger.record(tenant_id, "a", 1, "done", b"kept")


async def test_another_request_under_the_same_key_is_refused(
    world: LedgerWorld, tenant_id: UUID, effect: Make
) -> None:
    ledger = world.new_process()
    await ledger.claim(tenant_id, effect(), repeatable=True)
    await ledger.record(tenant_id, "a", 1, "done", b"")
    with pytest.raises(RequestMismatch):
        await ledger.claim(tenant_id, effect(request_hash="other"), repeatable=True)


async def test_tenants_do_not_meet(world: LedgerWorld, tenant_id: UUID, effect: Make) -> None:
    ledger = world.new_process()
    outcomes = await asyncio.gather(
        ledger.claim(tenant_id, effect(), repeatable=True),
        ledger.claim(uuid7(), effect(), repeatable=True),
    )
    assert outcomes == [Claimed(claim_number=1)] * 2


async def test_a_record_repeated_is_taken_again_and_no_other_replaces_it(
    world: LedgerWorld, tenant_id: UUID, effect: Make
) -> None:
    ledger = world.new_process()
    await ledger.claim(tenant_id, effect(), repeatable=True)
    assert await ledger.record(tenant_id, "a", 1, "failed", b"why")
    assert await ledger.record(tenant_id, "a", 1, "failed", b"why")
    assert not await ledger.record(tenant_id, "a", 1, "failed", b"for another reason")
    assert not await ledger.record(tenant_id, "a", 1, "done", b"no")
    assert not await ledger.record(tenant_id, "unknown", 1, "done", b"no")


async def test_cancelling_names_the_holder_and_is_final(
    world: LedgerWorld, tenant_id: UUID, run_id: UUID, effect: Make
) -> None:
    holder, other = world.new_process(), world.new_process()
    await holder.claim(tenant_id, effect(), repeatable=True)
    stopped = await other.cancel(tenant_id, run_id, "a", 1)
    assert stopped == CancelledClaim(key="a", holder=holder.holder, claim_number=1)
    assert await other.cancel(tenant_id, run_id, "a", 1) is None
    assert not await holder.record(tenant_id, "a", 1, "done", b"late")
    found = await other.claim(tenant_id, effect(), repeatable=True)
    assert isinstance(found, Recorded)
    assert found.status == "cancelled"


async def test_a_cancel_that_overtakes_its_call_holds(
    world: LedgerWorld, tenant_id: UUID, run_id: UUID, effect: Make
) -> None:
    ledger = world.new_process()
    assert await ledger.cancel(tenant_id, run_id, "a", 1) is None
    found = await ledger.claim(tenant_id, effect(), repeatable=True)
    assert isinstance(found, Recorded)
    assert found.status == "cancelled"


async def test_an_ended_run_loses_its_open_calls_and_makes_no_more(
    world: LedgerWorld, tenant_id: UUID, run_id: UUID, effect: Make
) -> None:
    ledger = world.new_process()
    for key in ("a", "b"):
        await ledger.claim(tenant_id, effect(key), repeatable=True)
    await ledger.record(tenant_id, "a", 1, "done", b"kept")
    open_calls = await ledger.run_ended(tenant_id, run_id, 1)
    assert [claim.key for claim in open_calls] == ["b"]
    assert await ledger.run_ended(tenant_id, run_id, 1) == []
    for key in ("a", "c"):
        with pytest.raises(RunAlreadyEnded):
            await ledger.claim(tenant_id, effect(key, epoch=9), repeatable=True)


async def test_records_go_some_time_after_their_run_has_ended(
    world: LedgerWorld, tenant_id: UUID, run_id: UUID, effect: Make
) -> None:
    ledger = world.new_process()
    await ledger.claim(tenant_id, effect(), repeatable=True)
    others = {(tenant_id, uuid7()), (uuid7(), run_id)}
    assert await ledger.collect(world.age) == 0
    await ledger.run_ended(tenant_id, run_id, 1)
    assert await ledger.collect(KEEP_ENDED) == 0
    assert await ledger.kept_runs({(tenant_id, run_id), *others}) == {(tenant_id, run_id)}
    assert await ledger.kept_runs(others) == set()
    assert await ledger.collect(world.age) == 1
    assert await ledger.kept_runs({(tenant_id, run_id)}) == set()
    assert await ledger.claim(tenant_id, effect(), repeatable=True) == Claimed(claim_number=1)


async def test_records_live_for_a_day_after_the_first_word_of_their_runs_end(
    world: LedgerWorld, tenant_id: UUID, run_id: UUID, effect: Make
) -> None:
    ledger = world.new_process()
    await ledger.claim(tenant_id, effect(), repeatable=True)
    await ledger.run_ended(tenant_id, run_id, 1)
    await world.turn_back(timedelta(hours=23, minutes=59))
    assert await ledger.collect(KEEP_ENDED) == 0
    await ledger.run_ended(tenant_id, run_id, 1)
    await world.turn_back(timedelta(minutes=2))
    assert await ledger.collect(KEEP_ENDED) == 1


async def test_the_end_of_a_run_may_come_before_its_calls_and_twice(
    world: LedgerWorld, tenant_id: UUID, run_id: UUID, effect: Make
) -> None:
    here, there = world.new_process(), world.new_process()
    await here.run_ended(tenant_id, run_id, 1)
    await there.run_ended(tenant_id, run_id, 1)
    for ledger in (here, there):
        with pytest.raises(RunAlreadyEnded):
            await ledger.claim(tenant_id, effect(), repeatable=True)


async def test_a_result_that_comes_after_the_end_of_its_run_is_not_taken(
    world: LedgerWorld, tenant_id: UUID, run_id: UUID, effect: Make
) -> None:
    holder, other = world.new_process(), world.new_process()
    await holder.claim(tenant_id, effect(), repeatable=True)
    (stopped,) = await other.run_ended(tenant_id, run_id, 1)
    assert stopped.holder == holder.holder
    assert not await holder.record(tenant_id, "a", stopped.claim_number, "done", b"late")


async def test_the_end_of_another_run_stops_nothing(
    world: LedgerWorld, tenant_id: UUID, run_id: UUID, effect: Make
) -> None:
    ledger = world.new_process()
    await ledger.claim(tenant_id, effect(), repeatable=True)
    assert await ledger.run_ended(tenant_id, tenant_id, 1) == []
    assert await ledger.record(tenant_id, "a", 1, "done", b"kept")
