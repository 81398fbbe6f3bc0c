"""When a worker may act as an owner, on a clock of the test's own."""

from uuid import uuid4

import pytest

from libs.common.clock import SystemClock
from libs.common.errors import Unavailable
from services.engine.app.runs.keep_lease import LeaseKeeper, LeasePace

PACE = LeasePace(lease=10.0, beat=3.0, margin=2.0)


class _Hands(SystemClock):
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds


class _Leases:
    def __init__(self, clock: _Hands) -> None:
        self.clock = clock
        self.away = False
        self.delay = 0.0

    async def beat(self, worker: object, *, seconds: float) -> None:
        self.clock.seconds += self.delay
        if self.away:
            raise Unavailable("away")

    async def step_down(self, worker: object) -> None:
        raise NotImplementedError

    async def prepare_journal(self) -> None:
        raise NotImplementedError


async def test_a_lease_is_safe_until_the_margin() -> None:
    clock = _Hands()
    keeper = LeaseKeeper(_Leases(clock), uuid4(), clock=clock, pace=PACE)
    assert not keeper.is_safe()
    await keeper.beat()
    clock.seconds += 7.9
    assert keeper.is_safe()
    clock.seconds += 0.2
    assert not keeper.is_safe()


async def test_a_slow_beat_is_counted_from_its_question() -> None:
    clock = _Hands()
    leases = _Leases(clock)
    leases.delay = 5.0
    keeper = LeaseKeeper(leases, uuid4(), clock=clock, pace=PACE)
    await keeper.beat()
    clock.seconds += 3.1
    assert not keeper.is_safe()


async def test_a_lapse_is_told_once_and_so_is_the_return() -> None:
    clock = _Hands()
    leases = _Leases(clock)
    keeper = LeaseKeeper(leases, uuid4(), clock=clock, pace=PACE)
    told: list[str] = []
    keeper.watch(on_lapse=lambda: told.append("lapse"), on_return=lambda: told.append("return"))
    await keeper.beat()
    leases.away = True
    clock.seconds += 9.0
    with pytest.raises(Unavailable):
        await keeper.beat()
    keeper.check()
    keeper.check()
    leases.away = False
    await keeper.beat()
    assert told == ["lapse", "return"]
    assert keeper.is_safe()
