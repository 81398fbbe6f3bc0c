"""One graph under way: the run's own, or one round of a container."""

from collections import deque
from dataclasses import dataclass, field

from services.engine.domain.execution.compiled_frame import CompiledFrame
from services.engine.domain.execution.frame_responses import FrameResponses
from services.engine.domain.variables.pool import VariablePool
from services.engine.domain.variables.record import record
from services.engine.domain.variables.values import Value

ReadyNode = tuple[str, int, str | None]
"""The path of the frame, a node's number in it, and the id of the node whose edge made it ready."""


@record
class FrameSnapshot:
    """A frame between two events. `pool` None: it writes to its parent's."""

    path: str
    parent: str
    container: str
    index: int
    began: float
    undecided: list[int]
    taken: list[int]
    pending: int
    pool: dict[str, dict[str, Value]] | None
    outputs: dict[str, Value]
    total_tokens: int
    over: bool
    failed: str | None
    error_type: str | None


@dataclass(slots=True, kw_only=True, eq=False)
class Frame:
    """`pending` nodes are ready or under way: at 0 the round is over. `outputs` are those of its
    response nodes. `responses` is None where no text can come from. `failed` is the error that
    ended it, `over` tells that a node inside ended the loop. `container`, in frame `parent`, is
    whose round this is."""

    path: str
    plan: CompiledFrame
    pool: VariablePool
    responses: FrameResponses | None
    parent: str = ""
    container: str = ""
    index: int = 0
    began: float = 0.0
    undecided: list[int] = field(default_factory=list[int])
    taken: bytearray = field(default_factory=bytearray)
    pending: int = 0
    outputs: dict[str, Value] = field(default_factory=dict[str, Value])
    total_tokens: int = 0
    over: bool = False
    failed: str | None = None
    error_type: str | None = None

    def __post_init__(self) -> None:
        self.undecided = list(self.plan.undecided)
        self.taken = bytearray(len(self.plan.nodes))

    def leave(self, node: int, handle: str, ready: deque[ReadyNode]) -> list[int]:
        """Decide the node's outgoing edges, and whatever follows from that without work.

        Returns the numbers of the edges taken; `ready` receives the nodes whose turn has come.
        """
        opened: list[int] = []
        leaving = self.plan.nodes[node].place.id
        chooses = self.plan.nodes[node].branches
        skipped: list[int] = []
        for edge in self.plan.graph.outgoing[node]:
            if not chooses or edge.handle == handle:
                self.taken[edge.target] = 1
                opened.append(edge.index)
            if self._decided(edge.target, skipped):
                ready.append((self.path, edge.target, leaving))
                self.pending += 1
        while skipped:
            gone = skipped.pop()
            if self.responses is not None:
                self.responses.node_ended(gone, skipped=True)
            for edge in self.plan.graph.outgoing[gone]:
                if self._decided(edge.target, skipped):
                    ready.append((self.path, edge.target, None))
                    self.pending += 1
        return opened

    def merge(self, outputs: dict[str, Value]) -> None:
        """Answers of response nodes add up; of anything else the last stands."""
        for name, value in outputs.items():
            before = self.outputs.get(name)
            if name == "answer" and isinstance(before, str) and isinstance(value, str):
                self.outputs[name] = before + value
            else:
                self.outputs[name] = value

    def snapshot(self, *, shares_pool: bool) -> FrameSnapshot:
        return FrameSnapshot(
            path=self.path,
            parent=self.parent,
            container=self.container,
            index=self.index,
            began=self.began,
            undecided=[*self.undecided],
            taken=list(self.taken),
            pending=self.pending,
            pool=None if shares_pool else self.pool.snapshot(),
            outputs={**self.outputs},
            total_tokens=self.total_tokens,
            over=self.over,
            failed=self.failed,
            error_type=self.error_type,
        )

    def restore(self, saved: FrameSnapshot) -> None:
        """Become the frame, of the same plan, that `saved` was taken of."""
        self.undecided = [*saved.undecided]
        self.taken = bytearray(saved.taken)
        self.pending = saved.pending
        if saved.pool is not None:
            self.pool.restore(saved.pool)
        self.outputs = {**saved.outputs}
        self.total_tokens = saved.total_tokens
        self.over = saved.over
        self.failed, self.error_type = saved.failed, saved.error_type

    def _decided(self, target: int, skipped: list[int]) -> bool:
        self.undecided[target] -= 1
        if self.undecided[target]:
            return False
        if not self.taken[target]:
            skipped.append(target)
            return False
        return True
