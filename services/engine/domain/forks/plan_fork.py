"""Which nodes of a run stand, and which execute, when another run begins from it.

The origin's journal is folded onto the new run's workflow, node after node in its order. A node's
result stands if its turn has come there too: then everything before it stands or was decided
away. So what lies behind the chosen node, or behind a node that the new version changed, executes,
and nothing else.
"""

from collections.abc import Sequence

from libs.common.contracts.run_forks import ExecutionReason
from services.engine.domain.events import journal
from services.engine.domain.execution.compile_workflow import CompiledWorkflow
from services.engine.domain.execution.run_state import RunState
from services.engine.domain.forks.executed_nodes import nodes_ahead
from services.engine.domain.forks.taken_events import OF_THE_RUN, EndedNode, ended_nodes, story
from services.engine.domain.forks.workflow_changes import WorkflowChanges
from services.engine.domain.variables.record import record


@record
class PlannedNode:
    node_id: str
    reason: ExecutionReason


@record
class ForkOutline:
    """`taken` in the order of their ends; `executed` are the others of the run's own frame that may
    have their turn; `gone` are those of the origin that the workflow does not have."""

    taken: dict[str, EndedNode]
    executed: list[PlannedNode]
    gone: list[str]


class ForkPlanner:
    """`events` tell the beginning of the origin and the course of its nodes, under the workflow
    `ran`; the new run is of `wanted`. `from_node` None: everything executes."""

    def __init__(
        self,
        events: Sequence[journal.JournalEvent],
        ran: CompiledWorkflow,
        wanted: CompiledWorkflow,
        from_node: str | None,
    ) -> None:
        self._events = events
        self._wanted = wanted
        self._ended = ended_nodes(events)
        self._from = from_node
        self.changes = WorkflowChanges(ran, wanted)
        self._known = ran.graph.index_of
        self._state = RunState(wanted)

    def plan(self) -> ForkOutline:
        taken = self._fold()
        return ForkOutline(
            taken={node_id: end for node_id, end in self._ended.items() if node_id in taken},
            executed=self._executed(),
            gone=[each for each in self._ended if each not in self._wanted.graph.index_of],
        )

    def _fold(self) -> set[str]:
        root = self._root()
        taken: set[str] = set()
        for event in self._events:
            if isinstance(event, journal.RunStarted):
                self._state.apply(event)
        if self._from is None or root is None or self._from == root:
            return taken
        for node, event in story(self._events):
            if isinstance(event, journal.NodeStarted) and self._stands(event):
                taken.add(node)
            if node in taken or node == OF_THE_RUN:
                self._state.apply(event)
        return taken - {root}

    def _root(self) -> str | None:
        graph = self._wanted.graph
        return None if graph.root is None else graph.nodes[graph.root].id

    def _stands(self, event: journal.NodeStarted) -> bool:
        if event.frame or event.node_id == self._from or event.node_id not in self._ended:
            return False
        node = self._wanted.graph.index_of.get(event.node_id)
        if node is None or self.changes.of(event.node_id) is not None:
            return False
        frame = self._state.frames.root
        return node == frame.plan.graph.root or (
            bool(frame.taken[node]) and not frame.undecided[node]
        )

    def _executed(self) -> list[PlannedNode]:
        ahead = nodes_ahead(self._wanted, self._state)
        root = self._root()
        found = [PlannedNode(node_id=each, reason=self._reason(each)) for each in ahead]
        if root is not None and root not in ahead:
            # It gives what the run is given, so every run executes it.
            found.insert(0, PlannedNode(node_id=root, reason="start"))
        return found

    def _reason(self, node_id: str) -> ExecutionReason:
        if self._from is None:
            return "replay"
        if node_id == self._from:
            return "chosen"
        if node_id not in self._known:
            return "new"
        change = self.changes.of(node_id)
        if change is not None:
            return change
        return "downstream" if node_id in self._ended else "not_finished"
