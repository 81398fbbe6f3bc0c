"""Runs in processes of their own, the processes played by the test."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from libs.common.clock import SystemClock
from libs.common.errors import Unavailable
from services.engine.app.ports.run_store import Claim, Group
from services.engine.app.runs import isolate_run
from services.engine.app.runs.isolate_run import IsolationPorts, RunIsolation
from services.engine.app.runs.stopped import Stopped
from tests.support.engine_harness import TENANT
from tests.support.engine_stores import DEFINITION, HASH, EngineStores, in_memory_stores, request


@dataclass(eq=False)
class _Process:
    """Ends as the test says; `leaves` False: it ignores being told to."""

    worker: UUID
    claim: Claim
    leaves: bool
    end: "asyncio.Future[str | None]"

    def leave(self) -> None:
        if self.leaves:
            self.finish(None)

    def kill(self) -> None:
        self.finish("died of signal 9")

    def finish(self, death: str | None) -> None:
        if not self.end.done():
            self.end.set_result(death)

    async def gone(self) -> str | None:
        return await self.end


@dataclass
class _Processes:
    started: "asyncio.Queue[_Process]" = field(default_factory=asyncio.Queue["_Process"])
    away: bool = False
    leaves: bool = True

    async def start(self, worker: UUID, claim: Claim) -> _Process:
        if self.away:
            self.away = False
            raise Unavailable("no more processes")
        end: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        process = _Process(worker, claim, self.leaves, end)
        self.started.put_nowait(process)
        return process

    async def next(self) -> _Process:
        return await asyncio.wait_for(self.started.get(), 5)


class _NoRest(SystemClock):
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


class _World:
    def __init__(self, stores: EngineStores, *, places: int = 2) -> None:
        self.stores = stores
        self.worker = stores.workers[0]
        self.processes = _Processes()
        self.released: list[UUID] = []
        self.isolation = RunIsolation(
            self.worker,
            IsolationPorts(
                runs=stores.runs, leases=stores.leases, processes=self.processes, clock=_NoRest()
            ),
            places=places,
            look=0.01,
            on_release=self._on_release,
        )

    async def _on_release(self, claims: Sequence[Claim]) -> None:
        self.released += [claim.run_id for claim in claims]

    async def claimed(self) -> Claim:
        accepted = await self.stores.runs.accept(request(TENANT), worker=self.worker)
        assert accepted.claim is not None
        return accepted.claim

    async def status(self, claim: Claim) -> str:
        return (await self.stores.runs.find(TENANT, claim.run_id)).status

    async def taken_over(self) -> list[Claim]:
        return await self.stores.runs.claim_orphaned(self.stores.workers[1], driven=None, most=10)


@pytest.fixture
async def world() -> AsyncIterator[_World]:
    async with in_memory_stores() as stores:
        await stores.workflows.put(TENANT, HASH, DEFINITION)
        for worker in stores.workers:
            await stores.leases.beat(worker, seconds=30.0)
        yield _World(stores)


async def test_the_process_owns_the_run_and_its_death_is_a_takeover(world: _World) -> None:
    claim = await world.claimed()
    carrying = asyncio.ensure_future(world.isolation.carry(claim))
    process = await world.processes.next()
    assert process.claim.epoch == claim.epoch + 1
    assert await world.taken_over() == []
    process.finish("died of signal 11")
    assert await carrying is Stopped.LOST
    (taken,) = await world.taken_over()
    found = await world.stores.runs.find(TENANT, claim.run_id)
    assert (taken.run_id, taken.takeovers) == (claim.run_id, 1)
    assert found.evidence == "its own process died of signal 11"


async def test_a_process_that_leaves_in_good_order_hands_its_run_back(world: _World) -> None:
    claim = await world.claimed()
    carrying = asyncio.ensure_future(world.isolation.carry(claim))
    (await world.processes.next()).finish(None)
    assert await carrying is Stopped.LOST
    assert (await world.status(claim), world.released) == ("queued", [claim.run_id])


async def test_a_process_that_lost_its_run_is_ended(world: _World) -> None:
    claim = await world.claimed()
    carrying = asyncio.ensure_future(world.isolation.carry(claim))
    process = await world.processes.next()
    await world.stores.leases.step_down(process.worker)
    (taken,) = await world.taken_over()
    assert await carrying is Stopped.LOST
    assert process.end.done()
    assert (await world.status(claim), taken.epoch) == ("running", claim.epoch + 2)


async def test_when_its_worker_stops_the_process_leaves(world: _World) -> None:
    claim = await world.claimed()
    carrying = asyncio.ensure_future(world.isolation.carry(claim))
    await world.processes.next()
    carrying.cancel()
    await world.isolation.close()
    assert await world.status(claim) == "queued"


async def test_a_process_too_slow_to_leave_is_ended_and_its_run_not_blamed(
    world: _World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolate_run, "_LEAVE_SECONDS", 0.02)
    world.processes.leaves = False
    claim = await world.claimed()
    carrying = asyncio.ensure_future(world.isolation.carry(claim))
    process = await world.processes.next()
    carrying.cancel()
    await world.isolation.close()
    assert process.end.result() == "died of signal 9"
    found = await world.stores.runs.find(TENANT, claim.run_id)
    assert (found.status, found.evidence) == ("queued", None)
    (again,) = await world.stores.runs.claim_queued(
        world.stores.workers[1], [Group(TENANT, found.app_id)]
    )
    assert again.takeovers == 0


async def test_a_run_that_is_no_longer_ours_gets_no_process(world: _World) -> None:
    claim = await world.claimed()
    await world.stores.runs.release(world.worker, [claim])
    assert await world.isolation.carry(claim) is Stopped.LOST
    assert world.processes.started.empty()


async def test_without_a_process_to_be_had_the_run_is_not_blamed(world: _World) -> None:
    claim = await world.claimed()
    world.processes.away = True
    await world.isolation.carry(claim)
    assert await world.status(claim) == "queued"


async def test_more_runs_than_places_wait_their_turn(world: _World) -> None:
    claims = [await world.claimed() for _ in range(3)]
    carrying = [asyncio.ensure_future(world.isolation.carry(claim)) for claim in claims]
    first, _ = await world.processes.next(), await world.processes.next()
    for _ in range(5):
        await asyncio.sleep(0)
    assert world.processes.started.empty()
    first.finish(None)
    third = await world.processes.next()
    assert third.claim.run_id == claims[2].run_id
    for task in carrying:
        task.cancel()
    await world.isolation.close()
