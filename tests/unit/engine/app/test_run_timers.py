"""Many runs wait behind one timer of the loop."""

import asyncio
import weakref

from libs.common.clock import SystemClock
from services.engine.app.runs.run_timers import LoopTimers, RunTimers
from services.engine.domain.execution.step import Timer

_BOUND = 5.0


def _timer(name: str, due: float) -> Timer:
    return Timer(timer_id=name, due=due)


async def test_timers_of_all_runs_ring_in_the_order_of_their_instants() -> None:
    shared, rung, over = LoopTimers(SystemClock()), list[str](), asyncio.Event()

    def due(name: str) -> None:
        rung.append(name)
        if len(rung) == 4:
            over.set()

    first, second = RunTimers(shared, due), RunTimers(shared, due)
    first.schedule(_timer("late", 0.03), 0.0)
    second.schedule(_timer("soon", 0.01), 0.0)
    first.schedule(_timer("past", -5.0), 0.0)
    second.schedule(_timer("between", 0.02), 0.0)
    async with asyncio.timeout(_BOUND):
        await over.wait()
    assert rung == ["past", "soon", "between", "late"]
    assert (first.waiting, second.waiting) == (0, 0)


async def test_a_run_that_stopped_hears_nothing_more_and_the_others_do() -> None:
    shared, rung, over = LoopTimers(SystemClock()), list[str](), asyncio.Event()
    stopped = RunTimers(shared, rung.append)
    stopped.schedule(_timer("stopped", 0.0), 0.0)
    stopped.cancel()

    def due(name: str) -> None:
        rung.append(name)
        over.set()

    RunTimers(shared, due).schedule(_timer("goes on", 0.01), 0.0)
    async with asyncio.timeout(_BOUND):
        await over.wait()
    assert rung == ["goes on"]


async def test_a_timer_set_while_another_rings_is_heard() -> None:
    shared, over = LoopTimers(SystemClock()), asyncio.Event()
    rung: list[str] = []

    def due(name: str) -> None:
        rung.append(name)
        if name == "first":
            timers.schedule(_timer("second", 0.0), 0.0)
        else:
            over.set()

    timers = RunTimers(shared, due)
    timers.schedule(_timer("first", 0.0), 0.0)
    async with asyncio.timeout(_BOUND):
        await over.wait()
    assert rung == ["first", "second"]


async def test_a_later_timer_set_while_another_rings_delays_none_before_it() -> None:
    shared, over = LoopTimers(SystemClock()), asyncio.Event()
    rung: list[str] = []

    def due(name: str) -> None:
        rung.append(name)
        if name == "first":
            timers.schedule(_timer("in an hour", 3600.0), 0.0)
        else:
            over.set()

    timers = RunTimers(shared, due)
    timers.schedule(_timer("first", 0.0), 0.0)
    timers.schedule(_timer("soon", 0.05), 0.0)
    async with asyncio.timeout(_BOUND):
        await over.wait()
    assert rung == ["first", "soon"]


async def test_what_runs_that_are_over_waited_for_is_forgotten() -> None:
    shared = LoopTimers(SystemClock())
    kept = RunTimers(shared, lambda _: None)
    kept.schedule(_timer("deadline", 1200.0), 0.0)
    for _ in range(5000):
        gone = RunTimers(shared, lambda _: None)
        gone.schedule(_timer("deadline", 1200.0), 0.0)
        gone.cancel()
    assert shared.size < 2500
    assert kept.waiting == 1


async def test_a_run_that_is_over_is_not_kept_by_its_timers() -> None:
    class _Run:
        def due(self, _timer_id: str) -> None:
            raise AssertionError("it is over")

    run = _Run()
    timers = RunTimers(LoopTimers(SystemClock()), run.due)
    timers.schedule(_timer("deadline", 1200.0), 0.0)
    gone = weakref.ref(run)
    timers.cancel()
    del run
    assert gone() is None
