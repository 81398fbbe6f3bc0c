"""Instants that are passed, on a clock that the test moves."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from libs.common.contracts.forms import FormAction, FormQuery, HumanForm
from libs.common.contracts.run_commands import AcceptRun, RunStatus, TimerDue
from libs.common.identifiers import uuid7
from libs.common.messaging.in_memory_bus import InMemoryBus
from services.engine.app.ports.parking_store import Parked
from services.engine.app.ports.run_store import Claim
from services.engine.app.runs.fire_timers import TimerSweep
from services.engine.app.runs.wake_run import RunWaker
from services.engine.domain.execution.step import OpenForm, Timer
from services.engine.infra.command_channels.in_memory_channel import InMemoryCommandChannel
from services.engine.infra.in_memory.command_store import InMemoryCommandStore
from services.engine.infra.in_memory.engine_state import EngineState, RunRow
from services.engine.infra.in_memory.form_store import InMemoryFormStore
from services.engine.infra.in_memory.parking_store import InMemoryParkingStore
from tests.support.manual_clock import ManualClock

TENANT, WORKER = uuid4(), uuid4()
FORM = HumanForm(title="t", content="c", actions=(FormAction(id="yes", title="Yes"),))


class _Waker(RunWaker):
    """Notes whom it would wake."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(InMemoryCommandChannel(), InMemoryBus(clock=clock))
        self.woken: list[tuple[UUID, RunStatus]] = []

    async def wake(self, tenant_id: UUID, run_id: UUID, status: RunStatus, epoch: int) -> None:
        self.woken.append((run_id, status))


class _World:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.state = EngineState(self.clock)
        self.parking = InMemoryParkingStore(self.state)
        self.forms = InMemoryFormStore(self.state)
        self.commands = InMemoryCommandStore(self.state)
        self.waker = _Waker(self.clock)
        self.sweep = TimerSweep(self.parking, self.waker)

    def owned(self) -> Claim:
        request = AcceptRun(
            tenant_id=TENANT, run_id=uuid7(), app_id=uuid4(), workflow_hash="0" * 64
        )
        row = RunRow(request=request, accepted_at=0.0, status="queued")
        self.state.add(row)
        return row.claimed_by(WORKER, 0.0)

    async def park(self, claim: Claim, timers: Sequence[Timer] = ()) -> None:
        assert await self.parking.park(WORKER, claim, timers, ()) is Parked.PARKED

    async def told(self, claim: Claim) -> list[tuple[str, str]]:
        waiting = await self.commands.undrained(TENANT, claim.run_id)
        return [(each.timer, each.ref) for each in waiting if isinstance(each, TimerDue)]


async def test_a_deadline_is_noticed_when_it_has_passed_and_not_before() -> None:
    world = _World()
    claim = world.owned()
    due = world.clock.now().timestamp() + 3600.0
    form = OpenForm(form_id=uuid4(), key="k", node_id="n", frame="", form=FORM, due=due)
    assert await world.forms.open(claim, form, FORM)
    await world.park(claim)
    await world.clock.advance(3599.0)
    await world.sweep.sweep()
    assert world.waker.woken == []
    await world.clock.advance(1.0)
    await world.sweep.sweep()
    await world.sweep.sweep()
    assert world.waker.woken == [(claim.run_id, "queued")]
    assert await world.told(claim) == [("form", "k")]
    found = await world.forms.find(FormQuery(tenant_id=TENANT, form_id=form.form_id))
    assert found.status == "expired"


async def test_the_deadline_of_a_run_under_way_reaches_its_owner() -> None:
    world = _World()
    claim = world.owned()
    due = world.clock.now().timestamp() + 10.0
    form = OpenForm(form_id=uuid4(), key="k", node_id="n", frame="", form=FORM, due=due)
    assert await world.forms.open(claim, form, FORM)
    await world.clock.advance(10.0)
    await world.sweep.sweep()
    assert world.waker.woken == [(claim.run_id, "running")]


async def test_a_sweep_goes_on_until_nothing_is_due() -> None:
    world = _World()
    due = world.clock.now().timestamp() + 1.0
    claims = [world.owned() for _ in range(150)]
    for claim in claims:
        await world.park(claim, [Timer(timer_id="w", due=due)])
    await world.clock.advance(1.0)
    await world.sweep.sweep()
    assert len(world.waker.woken) == 150
    assert await world.told(claims[-1]) == [("wait", "w")]
