"""With 10,000 queued runs of one tenant, another tenant's run starts within 50 ms of an idle
system's. Both are measured in one session, on the same engine."""

from collections.abc import Callable
from statistics import median

from libs.common.clock import SystemClock
from libs.common.messaging.in_memory_bus import InMemoryBus
from tests.support.crowded_engine import CrowdedEngine
from tests.support.databases import FreshDatabase
from tests.support.engine_harness import postgres_cluster

_QUEUED = 10_000
_STARTS = 40
_SECONDS = 0.05


async def test_ten_thousand_queued_runs_hold_up_nobody(
    migrated_database: FreshDatabase, record_property: Callable[[str, object], None]
) -> None:
    bus = InMemoryBus(clock=SystemClock())
    async with postgres_cluster(migrated_database, bus) as cluster:
        engine = await CrowdedEngine.on(cluster)
        idle = sorted([await engine.start() for _ in range(_STARTS)])
        await engine.crowd(migrated_database, _QUEUED)
        crowded = sorted([await engine.start() for _ in range(_STARTS)])
    await bus.close()
    times = {"idle": idle, "crowded": crowded}
    for name, seconds in times.items():
        told = f"{median(seconds) * 1000:.1f} ms, at worst {seconds[-1] * 1000:.1f}"
        record_property("fairness", f"start of a run, {name}: {told}")
    assert median(crowded) < median(idle) + _SECONDS
