"""How the nodes of a workflow differ from those of the one that a run was of."""

from typing import Literal

from services.engine.domain.execution.compile_workflow import CompiledWorkflow
from services.engine.domain.execution.compiled_frame import CompiledFrame, CompiledNode

NodeChange = Literal["new", "type", "upstream", "inside"]
"""A change that keeps a node's recorded result from standing; its meaning: `ExecutionReason`."""

_Incoming = frozenset[tuple[str, str]]


class WorkflowChanges:
    """From the workflow `ran` to the workflow `wanted`."""

    def __init__(self, ran: CompiledWorkflow, wanted: CompiledWorkflow) -> None:
        self._ran = ran
        self._wanted = wanted
        self._same = ran.report.content_hash == wanted.report.content_hash
        self._before = {} if self._same else _incoming(ran)
        self._after = {} if self._same else _incoming(wanted)

    def of(self, node_id: str) -> NodeChange | None:
        """Why the result that the node had in `ran` is none in `wanted`; None: it is one."""
        if self._same:
            return None
        before, after = _node(self._ran, node_id), _node(self._wanted, node_id)
        if before is None or after is None:
            return "new"
        if before.place.type != after.place.type:
            return "type"
        if self._before.get(node_id) != self._after.get(node_id):
            return "upstream"
        if _inside(self._ran, node_id) != _inside(self._wanted, node_id):
            return "inside"
        return None

    def configures_anew(self, node_id: str) -> bool:
        """Whether the node, or one inside it, is set otherwise."""
        if self._same:
            return False
        before, after = _node(self._ran, node_id), _node(self._wanted, node_id)
        if before is None or after is None or before.place.data != after.place.data:
            return True
        return any(
            self.configures_anew(place)
            for place in _places(self._wanted.frames.get(node_id))
            if place != node_id
        )


def _node(workflow: CompiledWorkflow, node_id: str) -> CompiledNode | None:
    index = workflow.graph.index_of.get(node_id)
    return None if index is None else workflow.nodes[index]


def _places(frame: CompiledFrame | None) -> list[str]:
    return [] if frame is None else [place.id for place in frame.graph.nodes]


def _incoming(frame: CompiledFrame) -> dict[str, _Incoming]:
    """The ways into each node from where the root leads to: the node before, and the handle where
    that node chooses one."""
    live = frame.graph.reachable()
    return {
        place.id: frozenset(
            (frame.graph.nodes[edge.source].id, _handle(frame.nodes[edge.source], edge.handle))
            for edge in frame.graph.incoming[place.index]
            if edge.source in live
        )
        for place in frame.graph.nodes
    }


def _handle(source: CompiledNode, handle: str) -> str:
    return handle if source.branches else ""


def _inside(workflow: CompiledWorkflow, container: str) -> object:
    """What a container's rounds consist of, at any depth, and how it hangs together."""
    frame = workflow.frames.get(container)
    if frame is None:
        return None
    return [
        (place.id, place.type, frame.nodes[place.index].ends_loop, _inside(workflow, place.id))
        for place in frame.graph.nodes
    ], _incoming(frame)
