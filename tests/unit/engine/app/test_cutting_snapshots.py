"""When a run under way gets a snapshot."""

import asyncio
from uuid import UUID, uuid4

from libs.common.contracts.run_commands import AcceptRun
from libs.common.errors import Unavailable
from libs.common.identifiers import uuid7
from services.engine.app.ports.journal_store import Append, Verdict
from services.engine.app.ports.run_store import Claim
from services.engine.app.runs.cut_snapshots import SnapshotCutter
from services.engine.domain.execution.public_events import PublicView
from services.engine.domain.execution.run_machine import RunMachine
from services.engine.domain.execution.run_snapshot import RunSnapshot
from tests.unit.engine.execution.random_graphs import Random, random_graph

_FLOOR = 1000


class _Store:
    """Implements SnapshotStore for one writer. `gate` holds it up; `size` is what each takes."""

    def __init__(self) -> None:
        self.kept: list[int] = []
        self.size = 10
        self.away = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def keep(self, claim: Claim, snapshot: RunSnapshot) -> int:
        self.kept.append(snapshot.seq)
        await self.gate.wait()
        if self.away:
            raise Unavailable("not now")
        return self.size

    async def newest(
        self, tenant_id: UUID, run_id: UUID, *, at_most: int | None = None
    ) -> RunSnapshot | None:
        return None


def _nobody_asks(append: Append, verdict: Verdict, reason: str) -> None:
    pass


class _Run:
    """A run whose snapshots are numbered as they are taken."""

    def __init__(self) -> None:
        self.store = _Store()
        self.taken = 0
        request = AcceptRun(
            tenant_id=uuid4(), run_id=uuid7(), app_id=uuid4(), workflow_hash="0" * 64
        )
        self.claim = Claim(epoch=1, request=request, accepted_at=0.0)
        self.cutter = SnapshotCutter(self.claim, self.store, self._take, floor=_FLOOR)

    def append(self, size: int) -> Append:
        return Append(
            tenant_id=self.claim.tenant_id,
            run_id=self.claim.run_id,
            epoch=1,
            first_seq=1,
            settled=_nobody_asks,
            size=size,
        )

    async def wrote(self, size: int) -> list[int]:
        """An append of this size is durable, and nothing waits: the snapshots kept so far."""
        self.cutter.taken(self.append(size), behind=None)
        if self.store.gate.is_set():
            await self.cutter.closed()
        else:
            await asyncio.sleep(0)
        return self.store.kept

    def _take(self) -> RunSnapshot:
        self.taken += 1
        claim = self.claim
        compiled = random_graph(Random(1), fatal=False).compiled()
        machine = RunMachine(compiled, tenant_id=claim.tenant_id, run_id=claim.run_id)
        view = PublicView(claim.run_id, {})
        return RunSnapshot(seq=self.taken, machine=machine.snapshot(), view=view.snapshot())


async def test_what_the_journal_has_below_the_floor_is_not_copied() -> None:
    run = _Run()
    assert await run.wrote(_FLOOR - 1) == []
    assert await run.wrote(1) == []
    assert run.taken == 0
    assert await run.wrote(1) == [1]


async def test_the_next_one_comes_when_the_journal_has_outgrown_the_last() -> None:
    run = _Run()
    run.store.size = 5 * _FLOOR
    assert await run.wrote(_FLOOR + 1) == [1]
    assert await run.wrote(5 * _FLOOR) == [1]
    assert await run.wrote(1) == [1, 2]


async def test_it_waits_for_the_last_event_that_it_stands_for() -> None:
    run = _Run()
    open_append = run.append(1)
    run.cutter.taken(run.append(_FLOOR + 1), behind=open_append)
    assert (run.taken, run.store.kept) == (1, [])
    run.cutter.taken(run.append(_FLOOR + 1), behind=open_append)
    await asyncio.sleep(0)
    assert (run.taken, run.store.kept) == (1, []), "one at a time"
    run.cutter.taken(open_append, behind=None)
    await run.cutter.closed()
    assert run.store.kept == [1]


async def test_one_at_a_time_is_stored() -> None:
    run = _Run()
    run.store.gate.clear()
    assert await run.wrote(_FLOOR + 1) == [1]
    assert await run.wrote(_FLOOR + 1) == [1]
    run.store.gate.set()
    await run.cutter.closed()
    assert await run.wrote(1) == [1, 2]


async def test_one_that_fails_is_followed_by_the_next() -> None:
    run = _Run()
    run.store.away = True
    assert await run.wrote(_FLOOR + 1) == [1]
    run.store.away = False
    assert await run.wrote(_FLOOR) == [1]
    assert await run.wrote(1) == [1, 2]


async def test_a_long_tail_that_was_folded_counts() -> None:
    run = _Run()
    run.cutter.folded(_FLOOR)
    assert await run.wrote(1) == [1]


async def test_the_end_waits_for_none() -> None:
    run = _Run()
    run.store.gate.clear()
    assert await run.wrote(_FLOOR + 1) == [1]
    run.cutter.close()
    async with asyncio.timeout(5):
        await run.cutter.closed()
    assert await run.wrote(2 * _FLOOR) == [1]
    assert run.taken == 1


async def test_a_state_that_cannot_be_copied_is_left_alone() -> None:
    run = _Run()

    def broken() -> RunSnapshot:
        run.taken += 1
        raise KeyError("no such node")

    run.cutter = SnapshotCutter(run.claim, run.store, broken, floor=_FLOOR)
    assert await run.wrote(_FLOOR + 1) == []
    assert await run.wrote(_FLOOR + 1) == []
    assert run.taken == 1
