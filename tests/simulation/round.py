"""One round: a fleet of workers, many runs, faults for a while, then quiet."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from libs.common.contracts.run_commands import (
    TERMINAL_STATUSES,
    AbortRun,
    AcceptRun,
    PauseRun,
    ResumeRun,
    RunEnded,
    RunOrder,
)
from services.engine.app.worker import WorkerOptions
from tests.simulation.audit import Audit
from tests.simulation.bus import Exchange
from tests.simulation.callee import Callee
from tests.simulation.database import Database
from tests.simulation.faults import Faults
from tests.simulation.network import Network
from tests.simulation.worker_process import WorkerProcess
from tests.simulation.workload import LONGEST_WAIT, SAMPLES, TENANT, Sample, drawn_run
from tests.simulation.world import World

LEASE_SECONDS = 10.0
GRACE_SECONDS = 60.0
_ASK_AGAIN_SECONDS = 3.0
_ABORTED_SHARE = 0.1
_PAUSED_SHARE = 0.15
Order = TypeVar("Order", bound=RunOrder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How large a round is. Runs come, and `faults` happen, for `seconds`. `light` None: all kinds
    of runs are as frequent; else this share is one node and nothing else, and none waits for a
    minute. Each worker looks every `sweep` seconds for what wake-ups missed."""

    workers: int = 4
    runs: int = 40
    seconds: float = 60.0
    capacity: int = 50
    apps: int = 5
    faults: bool = True
    light: float | None = None
    sweep: float = 2.0


@dataclass(slots=True)
class Told:
    """How a round went. `latest` is when the last run ended, from the end of the faults on;
    `workers` counts processes, `story` is a line a run: id, status, epoch, events. `digest` stands
    for every commit, published event, effect sent and effect made."""

    latest: float
    workers: int
    takeovers: int
    happened: int
    faults: dict[str, int]
    statuses: dict[str, int]
    digest: str
    story: list[str] = field(default_factory=list[str])


class Round:
    """Play it once; the same seed and shape play the same."""

    def __init__(self, seed: str, shape: Shape) -> None:
        self.world = World(seed)
        self._shape = shape
        self._audit = Audit(self.world.defects.append, now=lambda: self.world.now)
        self._network = Network(self.world, delay=0.003)
        self._callee = Callee(self.world, self._audit)
        self._database = Database(self._network, self._audit, self._ended)
        self._exchange = Exchange(
            self._network, self._audit, self._callee, self._database.state, ring=self._ring
        )
        self._workers: list[WorkerProcess] = []
        self._samples: dict[UUID, Sample] = {}
        self._aborted: set[UUID] = set()
        self._outcomes: dict[UUID, RunEnded] = {}
        self._latest = 0.0
        self._started = 0

    def play(self) -> Told:
        """Raises AssertionError for whatever should never happen."""
        before = random.getstate()
        # What the code itself draws: pauses before it asks again.
        random.seed(self.world.random.random())
        try:
            return self._played()
        finally:
            for worker in self._workers:
                if worker.alive:
                    worker.kill()
            random.setstate(before)

    def _played(self) -> Told:
        shape, world = self._shape, self.world
        called = [sample.calls for sample in SAMPLES if sample.calls is not None]
        for sample in (*SAMPLES, *called):
            self._database.state.workflows[TENANT, sample.content_hash] = sample.definition
        self._workers += [self._worker() for _ in range(shape.workers)]
        for _ in range(shape.runs):
            world.after(world.random.uniform(0.0, shape.seconds), self._come)
        faults = Faults(
            world,
            self._network,
            self._callee,
            self._workers,
            replace=self._replace,
            until=shape.seconds,
        )
        if shape.faults:
            faults.begin()
        bound = LEASE_SECONDS + GRACE_SECONDS + LONGEST_WAIT
        world.run(shape.seconds + bound, unless=self._is_over)
        return self._judged(faults)

    def _is_over(self) -> bool:
        if self.world.defects:
            return True
        if self.world.now <= self._shape.seconds or len(self._samples) < self._shape.runs:
            return False
        ended = self._outcomes.keys()
        return len(ended) == len(self._database.state.runs) and self._samples.keys() <= ended

    def _worker(self) -> WorkerProcess:
        self._started += 1
        options = WorkerOptions(capacity=self._shape.capacity, sweep=self._shape.sweep)
        return WorkerProcess(self.world, self._database, self._exchange, options)

    def _replace(self, place: int) -> None:
        if not self._workers[place].alive:
            self._workers[place] = self._worker()

    def _ring(self) -> None:
        worker = self.world.random.choice(self._workers)
        if worker.ready:
            self._network.to_process(worker, worker.ring)

    def _come(self) -> None:
        request, sample = drawn_run(self.world, self._shape.apps, light=self._shape.light)
        self._samples[request.run_id] = sample
        self._insist(
            lambda worker, done: worker.accept(request, done), lambda: self._known(request)
        )

    def _known(self, request: AcceptRun) -> None:
        chance = self.world.random.random()
        if chance < _ABORTED_SHARE:
            self._aborted.add(request.run_id)
            self._soon(self._order(AbortRun, request), _nothing)
        elif chance < _ABORTED_SHARE + _PAUSED_SHARE:
            resume = self._order(ResumeRun, request)
            self._soon(self._order(PauseRun, request), lambda: self._soon(resume, _nothing))

    def _order(self, kind: type[Order], request: AcceptRun) -> Order:
        return kind(tenant_id=TENANT, run_id=request.run_id, command_id=self.world.new_id())

    def _soon(self, order: RunOrder, then: Callable[[], None]) -> None:
        self.world.after(
            self.world.random.expovariate(1 / 2.0),
            lambda: self._insist(lambda worker, done: worker.command(order, done), then),
        )

    def _insist(
        self, ask: Callable[[WorkerProcess, Callable[[], None]], None], then: Callable[[], None]
    ) -> None:
        """Ask one worker after the other until an answer comes."""
        answered = False

        def done() -> None:
            nonlocal answered
            if not answered:
                answered = True
                then()

        def again() -> None:
            if answered:
                return
            worker = self.world.random.choice(self._workers)
            if worker.ready:
                self._network.to_process(worker, lambda: ask(worker, done))
            self.world.after(_ASK_AGAIN_SECONDS, again)

        again()

    def _ended(self, outcome: RunEnded) -> None:
        if outcome.run_id in self._outcomes:
            self.world.defects.append(AssertionError("a run ended twice"))
        self._outcomes[outcome.run_id] = outcome
        self._latest = self.world.now
        self.world.after(
            self.world.random.uniform(0.0, 2.0), lambda: self._callee.run_ended(outcome.run_id)
        )

    def _judged(self, faults: Faults) -> Told:
        if self.world.defects:
            raise self.world.defects[0]
        statuses: dict[str, int] = {}
        story: list[str] = []
        for run_id in self._samples:
            row = self._database.state.runs.get((TENANT, run_id))
            status = "never accepted" if row is None else row.status
            statuses[status] = statuses.get(status, 0) + 1
            events = sum(map(len, row.journal)) if row else 0
            story.append(f"{run_id} {status} {row.epoch if row else 0} {events}")
        left = {
            status: count for status, count in statuses.items() if status not in TERMINAL_STATUSES
        }
        assert not left, f"runs have not ended: {left}"
        for run_id, sample in self._samples.items():
            self._judge(run_id, sample)
        self._judge_children()
        latest = max(self._latest - self._shape.seconds, 0.0)
        takeovers = sum(row.takeovers for row in self._database.state.runs.values())
        return Told(
            latest=latest,
            workers=self._started,
            takeovers=takeovers,
            happened=self.world.happened,
            faults=faults.counts,
            statuses=statuses,
            digest=self._audit.digest,
            story=story,
        )

    def _judge(self, run_id: UUID, sample: Sample) -> None:
        outcome, audit = self._outcomes[run_id], self._audit.of(run_id)
        assert audit.finished, "a run has ended without its last event"
        text = audit.text(sample.labels)
        if run_id in self._aborted and outcome.status == "stopped":
            return
        assert outcome.status == "succeeded", f"a run ended as {outcome.status}: {outcome.error}"
        assert outcome.answer == text == sample.answer

    def _judge_children(self) -> None:
        """Each call was one run, which has ended, and well where its caller did."""
        callers: set[UUID] = set()
        for (_, run_id), row in self._database.state.runs.items():
            parent = row.request.parent
            if parent is None:
                continue
            assert parent.run_id not in callers, "a call was made by two runs"
            callers.add(parent.run_id)
            assert run_id in self._outcomes, f"a called run has not ended: {row.status}"
            assert self._audit.of(run_id).finished, "a called run has no last event"
            if self._outcomes[parent.run_id].status == "succeeded":
                assert row.status == "succeeded", f"a called run ended as {row.status}"
        called = {run_id for run_id, sample in self._samples.items() if sample.calls is not None}
        well = {run_id for run_id in called if self._outcomes[run_id].status == "succeeded"}
        assert well <= callers <= called


def _nothing() -> None: ...
