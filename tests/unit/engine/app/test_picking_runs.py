"""The walk over the groups: nobody is overtaken twice."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID, uuid4

from libs.common.clock import SystemClock
from libs.common.contracts.run_commands import AcceptRun
from libs.common.identifiers import uuid7
from services.engine.app.ports.run_store import Claim
from services.engine.app.runs.pick_runs import RunPicker
from services.engine.infra.in_memory.engine_state import EngineState
from services.engine.infra.in_memory.run_store import InMemoryRunStore
from tests.support.engine_stores import DEFINITION, HASH


class _Fixture:
    def __init__(
        self, queued: Sequence[int], *, capacity: int, share: int = 1000, tenants: int = 1
    ) -> None:
        self.state = EngineState(SystemClock())
        self.worker = uuid4()
        self.state.leases[self.worker] = float("inf")
        self.tenants = [UUID(int=number + 1) for number in range(tenants)]
        for tenant in self.tenants:
            self.state.workflows[tenant, HASH] = DEFINITION
        self.runs = InMemoryRunStore(self.state)
        self.apps = sorted(uuid4() for _ in queued)
        self.queued = queued
        self.taken: list[Claim] = []
        self.capacity = capacity
        self.share = share
        self.picker = RunPicker(
            self.runs,
            self.worker,
            room=lambda: self.capacity - len(self.taken),
            room_of=lambda tenant: self.share - self.held(tenant),
            full=lambda: [each for each in self.tenants if self.held(each) >= self.share],
            take=self.taken.append,
        )

    def held(self, tenant: UUID) -> int:
        return sum(claim.tenant_id == tenant for claim in self.taken)

    async def fill(self) -> None:
        for place, (app, count) in enumerate(zip(self.apps, self.queued, strict=True)):
            for _ in range(count):
                tenant = self.tenants[place % len(self.tenants)]
                request = AcceptRun(
                    tenant_id=tenant, run_id=uuid7(), app_id=app, workflow_hash=HASH
                )
                await self.runs.accept(request, worker=None)

    def shares(self) -> list[int]:
        counts = Counter(claim.request.app_id for claim in self.taken)
        return [counts[app] for app in self.apps]


async def test_places_are_shared_lap_by_lap() -> None:
    fixture = _Fixture([100, 1, 3], capacity=6)
    await fixture.fill()
    await fixture.picker.pick()
    assert fixture.shares() == [3, 1, 2]


async def test_the_walk_goes_on_where_it_stopped() -> None:
    fixture = _Fixture([5, 5, 5, 5], capacity=2)
    await fixture.fill()
    await fixture.picker.pick()
    fixture.capacity = 4
    await fixture.picker.pick()
    assert fixture.shares() == [1, 1, 1, 1]


async def test_everything_is_found_from_any_cursor() -> None:
    fixture = _Fixture([2, 0, 7, 1], capacity=1)
    await fixture.fill()
    await fixture.picker.pick()
    fixture.capacity = 1000
    await fixture.picker.pick()
    assert fixture.shares() == [2, 0, 7, 1]


async def test_a_full_worker_asks_for_nothing() -> None:
    fixture = _Fixture([3], capacity=0)
    await fixture.fill()
    assert await fixture.picker.pick() == 0
    assert fixture.taken == []


async def test_a_tenant_gets_its_share_and_no_more() -> None:
    fixture = _Fixture([9, 9, 9, 9, 1], capacity=100, share=5, tenants=2)
    await fixture.fill()
    await fixture.picker.pick()
    assert [fixture.held(tenant) for tenant in fixture.tenants] == [5, 5]
    fixture.share = 6
    await fixture.picker.pick()
    assert [fixture.held(tenant) for tenant in fixture.tenants] == [6, 6]
