"""Places that tenants take turns at."""

import asyncio
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.common.errors import Busy
from libs.common.fair_places import FairPlaces, share_of

A, B, C = (UUID(int=number) for number in (1, 2, 3))


class Calls:
    """Calls at `places`; `running` tells in which order they got there."""

    def __init__(self, places: FairPlaces) -> None:
        self.places = places
        self.running: list[tuple[UUID, int]] = []
        self.refused = 0
        self._tasks: dict[tuple[UUID, int], asyncio.Task[None]] = {}
        self._ends: dict[tuple[UUID, int], asyncio.Event] = {}

    async def begin(self, tenant: UUID, *numbers: int) -> None:
        for number in numbers:
            self._ends[tenant, number] = asyncio.Event()
            self._tasks[tenant, number] = asyncio.create_task(self._call(tenant, number))
        await settle()

    async def _call(self, tenant: UUID, number: int) -> None:
        try:
            async with self.places.taken(tenant):
                self.running.append((tenant, number))
                await self._ends[tenant, number].wait()
        except Busy:
            self.refused += 1

    async def end(self, tenant: UUID, number: int) -> None:
        self._ends[tenant, number].set()
        await settle()

    async def cancel(self, tenant: UUID, *numbers: int) -> None:
        for number in numbers:
            self._tasks[tenant, number].cancel()
        await settle()

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def fair(places: int, *, each: int | None = None, waiting: int = 1000) -> FairPlaces:
    return FairPlaces(
        places, most_each=each or places, most_waiting=waiting, most_waiting_each=waiting
    )


async def test_who_comes_late_is_next_whatever_others_have_queued() -> None:
    calls = Calls(fair(2))
    await calls.begin(A, *range(500))
    await calls.begin(B, 0, 1)
    await calls.begin(C, 0)
    assert calls.running == [(A, 0), (A, 1)]
    for number in range(2):
        await calls.end(A, number)
    assert calls.running[2:] == [(A, 2), (B, 0)]
    await calls.end(A, 2)
    await calls.end(B, 0)
    assert calls.running[4:] == [(C, 0), (A, 3)]
    await calls.end(C, 0)
    assert calls.running[6:] == [(B, 1)]
    await calls.close()


async def test_one_tenant_has_its_share_and_the_rest_stays_free() -> None:
    calls = Calls(fair(4, each=share_of(4)))
    await calls.begin(A, *range(10))
    assert len(calls.running) == 3
    await calls.begin(B, 0)
    assert calls.running[-1] == (B, 0)
    await calls.end(B, 0)
    assert len(calls.running) == 4
    await calls.end(A, 0)
    assert calls.running[-1] == (A, 3)
    await calls.close()


async def test_queues_are_bounded_for_a_tenant_and_together() -> None:
    places = FairPlaces(1, most_each=1, most_waiting=5, most_waiting_each=3)
    calls = Calls(places)
    await calls.begin(A, *range(10))
    assert calls.refused == 6
    await calls.begin(B, *range(10))
    assert calls.refused == 6 + 8
    with pytest.raises(Busy) as busy:
        await places.take(C)
    assert busy.value.retry_after == 1.0
    await calls.close()


async def test_who_leaves_the_queue_leaves_no_gap() -> None:
    calls = Calls(fair(1))
    await calls.begin(A, 0, 1, 2)
    await calls.begin(B, 0)
    await calls.cancel(A, 1)
    await calls.cancel(B, 0)
    await calls.end(A, 0)
    assert calls.running == [(A, 0), (A, 2)]
    await calls.end(A, 2)
    await calls.begin(B, 1)
    assert calls.running[-1] == (B, 1)
    await calls.close()


async def test_a_place_given_to_who_was_just_cancelled_is_not_lost() -> None:
    places = fair(1)
    await places.take(A)
    waiting = asyncio.create_task(places.take(B))
    await settle()
    places.give(A)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(1):
        await places.take(C)


async def test_who_was_cancelled_before_the_place_came_does_not_get_it() -> None:
    places = fair(1)
    await places.take(A)
    waiting = asyncio.create_task(places.take(B))
    await settle()
    waiting.cancel()
    places.give(A)
    await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(1):
        await places.take(C)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["begin", "end", "cancel"]), st.integers(0, 2), st.integers(0, 9)
        ),
        max_size=60,
    )
)
async def test_whatever_happens_no_place_is_lost_or_given_twice(
    steps: list[tuple[str, int, int]],
) -> None:
    places = FairPlaces(3, most_each=2, most_waiting=8, most_waiting_each=4)
    tenants = (A, B, C)
    tasks: list[asyncio.Task[None]] = []
    inside = 0

    async def call(tenant: UUID, ended: asyncio.Event) -> None:
        nonlocal inside
        try:
            async with places.taken(tenant):
                inside += 1
                assert inside <= 3
                try:
                    await ended.wait()
                finally:
                    inside -= 1
        except Busy:
            pass

    ends: list[asyncio.Event] = []
    for what, tenant, which in steps:
        if what == "begin":
            ends.append(asyncio.Event())
            tasks.append(asyncio.create_task(call(tenants[tenant], ends[-1])))
        elif tasks and what == "end":
            ends[which % len(ends)].set()
        elif tasks:
            tasks[which % len(tasks)].cancel()
        if which % 2:
            await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert not [error for error in done if isinstance(error, AssertionError)]
    for tenant in (A, B, C):
        async with asyncio.timeout(1):
            await places.take(tenant)
