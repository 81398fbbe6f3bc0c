"""A completion in the journal clears its run of the deaths before it."""

from libs.common.clock import SystemClock
from libs.common.messaging.in_memory_bus import InMemoryBus
from services.engine.infra.in_memory.journal_store import InMemoryJournal
from tests.support.engine_callees import Callees
from tests.support.engine_harness import TENANT, eventually, in_memory_cluster
from tests.support.engine_nodes import chain


async def test_a_takeover_counts_until_the_next_completion() -> None:
    bus = InMemoryBus(clock=SystemClock())
    callees = Callees()
    callees.gate.clear()
    await callees.serve(bus)
    async with in_memory_cluster(bus) as cluster:
        first = await cluster.replica()
        asked = await cluster.asked(chain({"type": "compute", "code": "a"}))
        await first.engine.use_cases.accept.execute(asked)

        async def sent(count: int) -> None:
            async def enough() -> bool:
                return len(callees.effects) >= count

            await eventually(enough)

        await sent(1)
        await first.kill()
        await first.expire()
        await cluster.replica()
        await sent(2)
        journal = first.stores.writer
        assert isinstance(journal, InMemoryJournal)
        row = journal.row_of(TENANT, asked.run_id)
        assert row.takeovers == 1
        callees.gate.set()
        assert (await cluster.ended(asked.run_id)).status == "succeeded"
        assert row.takeovers == 0
    await bus.close()
