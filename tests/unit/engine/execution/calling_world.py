"""A world in which runs call others: accepted children are rows, and their ends are commands."""

from dataclasses import dataclass, field
from uuid import UUID

from libs.common.contracts.child_runs import ChildOutcome
from libs.common.contracts.run_commands import ChildFinished
from services.engine.domain.execution.step import StartChild, Step
from tests.unit.engine.execution.parked_world import ParkedWorld
from tests.unit.engine.execution.random_graphs import RandomGraph
from tests.unit.engine.execution.simulated_world import place_of

CALL = {"type": "sub-workflow", "app_id": str(UUID(int=7))}


def with_children(graph: RandomGraph) -> RandomGraph:
    """The graph with called runs in place of code."""
    for name, data in graph.nodes.items():
        if data["type"] == "compute":
            kept = {key: value for key, value in data.items() if key not in {"calls", "forgives"}}
            graph.nodes[name] = {**kept, **CALL}
    return graph


@dataclass(slots=True)
class CallingWorld(ParkedWorld):
    """`calling` are children to be accepted, `children` those under way, by key; `accepted` counts
    how often each was asked for, `stopped` are those that nobody waits for."""

    calling: dict[str, StartChild] = field(default_factory=dict[str, StartChild])
    children: dict[str, StartChild] = field(default_factory=dict[str, StartChild])
    over: set[UUID] = field(default_factory=set[UUID])
    stopped: list[UUID] = field(default_factory=list[UUID])

    def crash(self) -> None:
        self.calling.clear()
        ParkedWorld.crash(self)

    def moves(self) -> list[str]:
        accepts = [f"accept {key}" for key in self.calling]
        return [*ParkedWorld.moves(self), *accepts, *(f"end {key}" for key in self.children)]

    def happen(self, move: str) -> None:
        what, _, key = move.partition(" ")
        if what == "accept":
            self._passed(move)
            self.accept(key)
            self._take(self.machine.child_started(key, self.now))
        elif what == "end":
            self.end(key)
        else:
            ParkedWorld.happen(self, move)

    def accept(self, key: str) -> None:
        """The child's row is stored, once; nobody has heard of it yet."""
        child = self.calling.pop(key)
        if child.child_run_id not in self.over:
            self.children[key] = child

    def end(self, key: str, **more: object) -> None:
        """The child ends: well, unless its node is to fail."""
        self._passed(f"end {key}")
        child = self.children.pop(key)
        self.over.add(child.child_run_id)
        outcome = ChildOutcome(
            run_id=child.child_run_id,
            status="failed" if self.fails(*place_of(key)) else "succeeded",
            outputs={"result": key[-3:]},
            error="refused" if self.fails(*place_of(key)) else None,
        )
        command = ChildFinished(**self.address(), key=key, outcome=outcome.model_copy(update=more))
        # An owner that is told of the end while it accepts the child again hears of that too late.
        late = self.calling.pop(key, None)
        self.tell(command)
        if late is not None:
            assert not self.machine.child_started(key, self.now).events

    def _take(self, step: Step) -> None:
        ParkedWorld._take(self, step)
        for child in step.children:
            assert not self._on_record(child.key), "a child whose end is known was called again"
            self.calling[child.key] = child
        self.stopped += [stop.child_run_id for stop in step.stops]
        self.children = {
            key: child
            for key, child in self.children.items()
            if child.child_run_id not in self.stopped
        }
        if self.rests is not None:
            assert not self.calling, "a run rests while a child is being accepted"
