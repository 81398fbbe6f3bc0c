"""The publisher of a worker: in order, in groups, and unmoved by one run's trouble."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from libs.common.clock import SystemClock
from libs.common.contracts.run_events import ReasoningDelta, TextDelta
from libs.common.contracts.subjects import run_live
from libs.common.messaging.in_memory_bus import InMemoryBus
from services.engine.app.events.publish_events import EventPublisher, LiveRun
from services.engine.infra.live_messages import encode_live

TENANT = UUID(int=1)


def _delta(text: str, offset: int) -> TextDelta:
    return TextDelta(
        seq=1, from_offset=offset, text=text, node_id="n", selector=("n", "text"), generation="g"
    )


@asynccontextmanager
async def _publishing() -> AsyncGenerator[tuple[InMemoryBus, EventPublisher]]:
    bus = InMemoryBus(clock=SystemClock())
    publisher = EventPublisher(bus, encode_live)
    task = asyncio.ensure_future(publisher.run())
    try:
        yield bus, publisher
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await bus.close()


async def test_what_waits_goes_out_together_in_its_order() -> None:
    run = LiveRun(TENANT, uuid4())
    async with _publishing() as (bus, publisher), bus.listen(run.subject) as listener:
        for offset, text in enumerate("Hello"):
            publisher.publish(run, [_delta(text, offset)])
        message = await listener.next(timeout=5)
    assert message is not None
    assert [event.from_offset for event in message.events if event.kind == "text_delta"] == [
        0, 1, 2, 3, 4,
    ]  # fmt: skip


async def test_text_that_is_no_text_does_not_silence_other_runs() -> None:
    bad, good = LiveRun(TENANT, uuid4()), LiveRun(TENANT, uuid4())
    async with _publishing() as (bus, publisher), bus.listen(good.subject) as listener:
        publisher.publish(bad, [_delta("\ud800", 0)])
        publisher.publish(good, [_delta("fine", 0)])
        message = await listener.next(timeout=5)
        await asyncio.wait_for(publisher.flushed(), 5)
    assert message is not None
    assert message.run_id == good.run_id
    assert good.subject == run_live(TENANT, good.run_id)


async def test_thoughts_are_the_first_to_be_dropped() -> None:
    run = LiveRun(TENANT, uuid4())
    thought = ReasoningDelta(node_id="n", text="hm", generation="g")
    bus = InMemoryBus(clock=SystemClock())
    publisher = EventPublisher(bus, encode_live)
    publisher.publish(run, [thought])
    publisher.publish(run, [_delta("x", offset) for offset in range(10_000)])
    publisher.publish(run, [thought, _delta("y", 10_000)])
    kinds: list[str] = []
    async with bus.listen(run.subject) as listener:
        task = asyncio.ensure_future(publisher.run())
        await asyncio.wait_for(publisher.flushed(), 10)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        while (message := await listener.next(timeout=0)) is not None:
            kinds += [event.kind for event in message.events]
    await bus.close()
    assert kinds == ["reasoning_delta", *["text_delta"] * 10_001]
