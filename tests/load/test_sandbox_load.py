"""Much code at once through the plugin service, most of it harmful."""

import asyncio
import random
import time
from pathlib import Path

import pytest

from deploy.local.loopback import answers_ok
from libs.common.clock import SystemClock
from libs.common.contracts.code_execution import CodeResult
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.subjects import RUN_CODE
from libs.common.identifiers import uuid7
from libs.common.lifespan import Lifespan
from libs.common.messaging.nats_bus import NatsBus
from libs.common.object_store.open_store import open_object_store
from tests.load.left_behind import Holdings, holdings
from tests.load.profile import (
    CALL_SECONDS,
    CALLERS_OF_GOOD,
    CALLERS_OF_HARM,
    GOOD_SECONDS,
    SECONDS,
    SEED,
    WALL_SECONDS,
)
from tests.load.sandbox_calls import CANARY, GOOD, HARM, Load
from tests.load.times import Times
from tests.support.eventually import eventually
from tests.support.platform import Platform

_SPARE_MEMORY = 64 * 1024 * 1024
_SPARE_DESCRIPTORS = 20


class Callers:
    """Every caller asks for `SECONDS`, each from a tenant of its own; `wrong` is what ended
    otherwise than it had to."""

    def __init__(self, bus: NatsBus, times: Times) -> None:
        self._bus = bus
        self._times = times
        self.wrong: list[str] = []

    async def call(self, load: Load, envelope: Envelope) -> float:
        """How long the call took."""
        begun = time.monotonic()
        result = await self._bus.request(
            RUN_CODE, load.call, envelope=envelope, timeout=CALL_SECONDS
        )
        taken = time.monotonic() - begun
        self._times.add(load.name, taken)
        self._judge(load, result)
        return taken

    async def all(self) -> None:
        good = [self._caller(f"good {n}", GOOD, GOOD_SECONDS) for n in range(CALLERS_OF_GOOD)]
        harm = [self._caller(f"harm {n}", HARM, CALL_SECONDS) for n in range(CALLERS_OF_HARM)]
        await asyncio.gather(*good, *harm)

    async def _caller(self, name: str, loads: list[Load], bound: float) -> None:
        draws = random.Random(f"{SEED}/{name}")
        envelope = Envelope(tenant_id=uuid7())
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            load = draws.choice(loads)
            taken = await self.call(load, envelope)
            if taken > bound:
                self.wrong.append(f"{load.name} took {taken:.1f} s")

    def _judge(self, load: Load, result: CodeResult) -> None:
        if not load.ended(result):
            self.wrong.append(f"{load.name}: {result!r}"[:500])
        if result.wall_seconds > WALL_SECONDS + 1.5:
            self.wrong.append(f"{load.name} ran for {result.wall_seconds:.1f} s")
        if CANARY in result.model_dump_json():
            self.wrong.append(f"{load.name} saw the service's environment")


@pytest.mark.timeout(SECONDS + 4 * CALL_SECONDS)
async def test_harm_is_stopped_and_good_code_goes_on(
    platform: Platform, temporary: Path, times: Times
) -> None:
    plugin = platform.replica("plugin")
    pid = plugin.pid
    async with Lifespan() as lifespan:
        bus = NatsBus(
            platform.environment["HEDDLE_NATS_URL"],
            name="load",
            object_store=open_object_store(platform.environment["HEDDLE_OBJECT_STORE_URL"]),
            instance=str(uuid7()),
            clock=SystemClock(),
        )
        await lifespan.started("caller", bus)
        callers = Callers(bus, times)
        envelope = Envelope(tenant_id=uuid7())
        for load in GOOD:
            await callers.call(load, envelope)
        before = holdings(pid, temporary)
        await callers.all()
        for load in GOOD:
            await callers.call(load, envelope)
    assert callers.wrong == []
    assert set(times.seconds) == {load.name for load in (*GOOD, *HARM)}
    assert (plugin.pid, plugin.child.poll()) == (pid, None)
    assert answers_ok(plugin.port, "/readyz")
    eventually(
        lambda: _nothing_left(before, holdings(pid, temporary)),
        what="giving back everything that the calls had taken",
    )


def _nothing_left(before: Holdings, after: Holdings) -> bool:
    return (
        after.processes <= before.processes
        and after.descriptors <= before.descriptors + _SPARE_DESCRIPTORS
        and after.memory_bytes <= before.memory_bytes + _SPARE_MEMORY
        and after.files == before.files
    )
