"""What goes wrong in a round, until it stops going wrong."""

from collections.abc import Callable

from tests.simulation.callee import Callee
from tests.simulation.network import Network
from tests.simulation.worker_process import WorkerProcess
from tests.simulation.world import World


class Faults:
    """Crashes, stops, freezes, cuts, outages and jumps of clocks, each as often as chance has it,
    up to the instant `until`. `workers` is the fleet; `replace` puts another process in a place."""

    def __init__(
        self,
        world: World,
        network: Network,
        callee: Callee,
        workers: list[WorkerProcess],
        *,
        replace: Callable[[int], None],
        until: float,
    ) -> None:
        self._world = world
        self._network = network
        self._callee = callee
        self._workers = workers
        self._replace = replace
        self._until = until
        self.counts: dict[str, int] = {}
        # The store is not away more often because it has more clients.
        self._outage_chance = 0.2 * min(1.0, 14 / (len(workers) + 2))

    def begin(self) -> None:
        random = self._world.random
        self._network.loss = random.choice([0.0, 0.01, 0.05, 0.2])
        self._callee.forgetful = random.choice([0.0, 0.05])
        self._next()
        self._world.after(self._until, self._end)

    def _end(self) -> None:
        self._network.loss = 0.0
        self._callee.forgetful = 0.0

    def _next(self) -> None:
        # One fault every half minute a worker, and more for small fleets.
        mean = 30.0 / (len(self._workers) + 2)
        delay = self._world.random.expovariate(1 / mean)
        if self._world.now + delay < self._until:
            self._world.after(delay, self._strike)

    def _strike(self) -> None:
        random = self._world.random
        kind = random.choice(
            ["crash", "crash", "stop", "freeze", "freeze", "cut", "outage", "jump"]
        )
        self.counts[kind] = self.counts.get(kind, 0) + 1
        place = random.randrange(len(self._workers))
        worker = self._workers[place]
        match kind:
            case "crash" if worker.alive:
                worker.kill()
                self._come_back(place, random.uniform(0.1, 20.0))
            case "stop" if worker.alive and worker.ready:
                worker.leave(lambda: self._stopped(place, worker))
            case "freeze":
                worker.freeze(self._bounded(random.choice([1.0, 4.0, 9.0, 15.0, 40.0])))
            case "cut":
                worker.cut_off_until = self._world.now + self._bounded(random.uniform(1.0, 30.0))
            case "outage" if random.random() < self._outage_chance:
                seconds = self._bounded(random.uniform(1.0, 20.0))
                self._network.store_away_until = self._world.now + seconds
            case "jump":
                worker.clock.ahead += random.uniform(-30.0, 30.0)
            case _:
                pass
        self._next()

    def _stopped(self, place: int, worker: WorkerProcess) -> None:
        if worker.alive:
            worker.kill()
            self._come_back(place, self._world.random.uniform(0.1, 5.0))

    def _come_back(self, place: int, seconds: float) -> None:
        self._world.after(self._bounded(seconds), lambda: self._replace(place))

    def _bounded(self, seconds: float) -> float:
        return max(min(seconds, self._until - self._world.now), 0.001)
