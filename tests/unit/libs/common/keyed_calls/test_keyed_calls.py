"""A keyed call happens once, whoever asks and whoever dies."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from libs.common.errors import Busy, PayloadTooLarge, RateLimited, UpstreamError, UpstreamTimeout
from libs.common.keyed_calls.call_parts import CallNotHere
from libs.common.keyed_calls.ledger import (
    CallStopped,
    OutcomeUnknown,
    RequestMismatch,
    RunAlreadyEnded,
    StaleEpoch,
)
from tests.unit.libs.common.keyed_calls.processes import (
    MOST_CALLS,
    MOST_PARTS,
    RUN,
    TENANT,
    World,
    effect,
)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.close()


async def test_readers_attach_from_the_start_and_the_record_answers_later(world: World) -> None:
    process = await world.start()
    first = world.read(process, effect())
    await world.clock.advance(0)
    world.upstreams["a"][0].send("one")
    await world.clock.advance(0)
    second = world.read(process, effect())
    await world.clock.advance(0)
    assert first.words == second.words == ["one"]
    world.upstreams["a"][0].send("two", "end.")
    assert await first.end() == await second.end() == ["one", "two", "end."]
    assert await world.read(process, effect()).end() == ["end."]
    assert len(world.upstreams["a"]) == 1


async def test_a_reader_at_another_process_follows_the_same_call(world: World) -> None:
    here, there = await world.start(), await world.start()
    first, second = world.read(here, effect()), world.read(there, effect())
    await world.clock.advance(0)
    world.upstreams["a"][0].send("one", "end.")
    await world.clock.advance(5)
    assert await first.end() == await second.end() == ["one", "end."]
    assert len(world.upstreams["a"]) == 1


async def test_a_way_that_breaks_is_taken_up_again_without_repeats(world: World) -> None:
    here, there = await world.start(), await world.start()
    world.read(here, effect())
    await world.clock.advance(0)
    reader = world.read(there, effect())
    await world.clock.advance(0)
    world.upstreams["a"][0].send("one", "two")
    await world.clock.advance(0)
    here.reachable = False
    world.upstreams["a"][0].send("three")
    await world.clock.advance(0)
    here.reachable = True
    world.upstreams["a"][0].send("four")
    await world.clock.advance(2)
    world.upstreams["a"][0].send("end.")
    assert await reader.end() == ["one", "two", "three", "four", "end."]


async def test_callers_at_once_make_one_call(world: World) -> None:
    process = await world.start()
    readers = [world.read(process, effect()) for _ in range(5)]
    await world.clock.advance(0)
    world.upstreams["a"][0].send("end.")
    for reader in readers:
        assert await reader.end() == ["end."]
    assert len(world.upstreams["a"]) == 1


async def test_the_call_survives_its_reader(world: World) -> None:
    process = await world.start()
    reader = world.read(process, effect())
    await world.clock.advance(0)
    await reader.go_away()
    world.upstreams["a"][0].send("end.")
    await world.clock.advance(0)
    assert await world.read(process, effect()).end() == ["end."]
    assert len(world.upstreams["a"]) == 1


async def test_the_final_part_waits_for_its_record(world: World) -> None:
    process = await world.start()
    reader = world.read(process, effect())
    await world.clock.advance(0)
    process.ledger.cut = True
    world.upstreams["a"][0].send("one", "end.")
    await world.clock.advance(8)
    assert reader.words == ["one"]
    process.ledger.cut = False
    await world.clock.advance(8)
    assert await reader.end() == ["one", "end."]


async def test_a_failure_is_recorded_and_returned_as_that_failure(world: World) -> None:
    process = await world.start()
    reader = world.read(process, effect())
    await world.clock.advance(0)
    world.upstreams["a"][0].send(RateLimited("slow down", retry_after=3))
    await reader.end()
    again = world.read(process, effect())
    await again.end()
    for error in (reader.error, again.error):
        assert isinstance(error, RateLimited)
        assert error.retry_after == 3
    assert len(world.upstreams["a"]) == 1


async def test_an_adapter_that_breaks_ends_the_call_too(world: World) -> None:
    process = await world.start()
    reader = world.read(process, effect())
    await world.clock.advance(0)
    world.upstreams["a"][0].send(ZeroDivisionError())
    await reader.end()
    assert reader.error is not None
    assert reader.error.code == "platform_fault"


async def test_a_model_call_of_a_dead_holder_is_made_again_and_counted(world: World) -> None:
    dead, heir = await world.start(), await world.start()
    lost, reader = world.read(dead, effect()), world.read(heir, effect())
    await world.clock.advance(0)
    world.upstreams["a"][0].send("lost")
    await world.clock.advance(1)
    assert reader.words == ["lost"]
    await world.freeze(dead)
    assert len(world.upstreams["a"]) == 1  # still following the old stream, which is silent
    late = world.read(heir, effect())
    await world.clock.advance(1)
    world.upstreams["a"][1].send("new", "right.")
    world.upstreams["a"][0].send("wrong.")
    dead.ledger.cut, dead.reachable = False, True
    await world.clock.advance(10)
    assert await late.end() == ["new", "right."]
    assert (await reader.end())[-1] == "right."
    assert (await lost.end())[-1] == "right."
    assert world.repeats == ["a"]


@pytest.mark.parametrize(
    ("effect_class", "keyed", "made"),
    [("idempotent", False, 2), ("keyed", True, 2), ("keyed", False, 1), ("unsafe", True, 1)],
)
async def test_what_happens_to_a_dead_holders_call_depends_on_its_class(
    world: World, effect_class: str, keyed: bool, made: int
) -> None:
    dead, heir = await world.start(), await world.start()
    wanted = effect().model_copy(update={"effect_class": effect_class})
    lost = world.read(dead, wanted, keyed=keyed)
    await world.clock.advance(0)
    await world.freeze(dead)
    reader = world.read(heir, wanted, keyed=keyed)
    await world.clock.advance(0)
    for upstream in reversed(world.upstreams["a"]):
        upstream.send("end.")
    await reader.end()
    assert len(world.upstreams["a"]) == made
    if made == 1:
        assert isinstance(reader.error, OutcomeUnknown)
        dead.ledger.cut = False
        await world.clock.advance(6)
        await lost.end()
        assert isinstance(lost.error, OutcomeUnknown)
    assert world.repeats == []


async def test_a_claim_whose_answer_was_lost_is_worked_on(world: World) -> None:
    process = await world.start()
    process.ledger.lose_answers = 1
    failed = world.read(process, effect(effect_class="unsafe"))
    await failed.end()
    assert failed.error is not None
    reader = world.read(process, effect(effect_class="unsafe"))
    await world.clock.advance(0)
    world.upstreams["a"][0].send("end.")
    assert await reader.end() == ["end."]


@pytest.mark.parametrize(
    ("effect_class", "error"), [("model", UpstreamTimeout), ("unsafe", OutcomeUnknown)]
)
async def test_a_deadline_is_a_recorded_end(
    world: World, effect_class: str, error: type[UpstreamError]
) -> None:
    process = await world.start()
    wanted = effect().model_copy(update={"effect_class": effect_class})
    reader = world.read(process, wanted, timeout=5)
    await world.clock.advance(6)
    await reader.end()
    again = world.read(process, wanted)
    await again.end()
    assert type(reader.error) is error
    assert type(again.error) is error
    assert world.upstreams["a"][0].closed


async def test_a_cancel_reaches_the_holder_through_any_process(world: World) -> None:
    holder, other = await world.start(), await world.start()
    reader = world.read(holder, effect())
    await world.clock.advance(0)
    assert await other.calls.cancel(TENANT, RUN, "a", 1)
    await reader.end()
    assert isinstance(reader.error, CallStopped)
    assert world.upstreams["a"][0].closed
    assert not await other.calls.cancel(TENANT, RUN, "a", 1)


async def test_after_a_takeover_the_new_calls_parts_are_read_from_their_start(
    world: World,
) -> None:
    dead, heir = await world.start(), await world.start()
    world.read(dead, effect())
    reader = world.read(heir, effect())
    await world.clock.advance(0)
    world.upstreams["a"][0].send("lost")
    await world.clock.advance(1)
    await world.freeze(dead)
    world.read(heir, effect())
    await world.clock.advance(1)
    world.upstreams["a"][1].send("new")
    world.upstreams["a"][0].send("unheard")
    await world.clock.advance(3)
    world.upstreams["a"][1].send("right.")
    assert await reader.end() == ["lost", "new", "right."]


async def test_a_claim_that_is_no_longer_the_present_one_is_not_followed(world: World) -> None:
    process = await world.start()
    reader = world.read(process, effect())
    await world.clock.advance(0)
    with pytest.raises(CallNotHere):
        await asyncio.wait_for(anext(process.calls.attach(TENANT, "a", 2)), 5)
    world.upstreams["a"][0].send("end.")
    assert await reader.end() == ["end."]


async def test_a_call_is_cancelled_by_its_own_run_only(world: World) -> None:
    process = await world.start()
    reader = world.read(process, effect())
    await world.clock.advance(0)
    assert not await process.calls.cancel(TENANT, UUID(int=99), "a", 1)
    world.upstreams["a"][0].send("end.")
    assert await reader.end() == ["end."]


async def test_a_claim_whose_answer_took_too_long_is_asked_for_again(world: World) -> None:
    """The lease that came with it may be gone, and the call another's."""
    process = await world.start()
    process.ledger.late = 5.0
    reader = world.read(process, effect())
    await world.clock.advance(6)
    assert (process.ledger.claims, len(world.upstreams["a"])) == (2, 1)
    world.upstreams["a"][0].send("end.")
    assert await reader.end() == ["end."]


async def test_a_stale_owner_neither_calls_nor_cancels(world: World) -> None:
    process = await world.start()
    reader = world.read(process, effect(epoch=2))
    await world.clock.advance(0)
    stale = world.read(process, effect(epoch=1))
    await stale.end()
    assert isinstance(stale.error, StaleEpoch)
    with pytest.raises(StaleEpoch):
        await process.calls.cancel(TENANT, RUN, "a", 1)
    world.upstreams["a"][0].send("end.")
    assert await reader.end() == ["end."]


async def test_the_same_key_with_another_request_is_refused(world: World) -> None:
    process = await world.start()
    world.read(process, effect())
    await world.clock.advance(0)
    other = world.read(process, effect().model_copy(update={"request_hash": "x"}))
    await other.end()
    assert isinstance(other.error, RequestMismatch)


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["w"] * (MOST_PARTS + 1), id="parts"),
        pytest.param(["w" * 100] * 11, id="bytes"),
        pytest.param(["\N{EURO SIGN}" * 350 + "."], id="bytes of the end"),
    ],
)
async def test_a_call_that_brings_too_much_has_failed_for_good(
    world: World, words: list[str]
) -> None:
    here, there = await world.start(), await world.start()
    reader = world.read(here, effect())
    await world.clock.advance(0)
    world.upstreams["a"][0].send(*words)
    await reader.end()
    assert isinstance(reader.error, PayloadTooLarge)
    assert world.upstreams["a"][0].closed
    again = world.read(there, effect())
    await again.end()
    assert again.error is not None
    assert (again.error.code, again.words) == ("payload_too_large", [])
    assert len(world.upstreams["a"]) == 1


async def test_an_ended_run_loses_its_calls_everywhere(world: World) -> None:
    here, there = await world.start(), await world.start()
    readers = [world.read(here, effect("a")), world.read(there, effect("b"))]
    await world.clock.advance(0)
    await here.calls.run_ended(TENANT, RUN, 1)
    for reader in readers:
        await reader.end()
        assert isinstance(reader.error, CallStopped | RunAlreadyEnded)
    assert all(calls[0].closed for calls in world.upstreams.values())
    late = world.read(there, effect("c"))
    await late.end()
    assert isinstance(late.error, RunAlreadyEnded)


async def test_a_process_that_leaves_gives_its_claims_free_at_once(world: World) -> None:
    leaving, staying = await world.start(), await world.start()
    world.read(leaving, effect())
    await world.clock.advance(0)
    await leaving.stack.aclose()
    reader = world.read(staying, effect())
    await world.clock.advance(0)
    world.upstreams["a"][1].send("end.")
    assert await reader.end() == ["end."]


async def test_one_tenant_leaves_the_others_a_quarter_of_the_calls(world: World) -> None:
    process = await world.start()
    share = MOST_CALLS * 3 // 4
    for number in range(share):
        world.read(process, effect(f"a{number}"))
    await world.clock.advance(0)
    one_more = world.read(process, effect("one more"))
    await world.clock.advance(0)
    assert isinstance(one_more.error, Busy)
    assert len(world.upstreams) == share
    for number in range(MOST_CALLS // 4):
        world.read(process, effect(f"b{number}"), tenant=UUID(int=9))
    await world.clock.advance(0)
    assert len(world.upstreams) == MOST_CALLS
    refused = world.read(process, effect("c"), tenant=UUID(int=10))
    await world.clock.advance(0)
    assert isinstance(refused.error, Busy)
