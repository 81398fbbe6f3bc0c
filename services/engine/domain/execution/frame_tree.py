"""The frames of a run under way, and what they have in common."""

from collections import deque
from collections.abc import Mapping

from services.engine.domain.events import journal
from services.engine.domain.execution.compile_workflow import CompiledWorkflow
from services.engine.domain.execution.frame import Frame, FrameSnapshot, ReadyNode
from services.engine.domain.execution.frame_paths import frame_path, is_within
from services.engine.domain.execution.frame_responses import FrameResponses
from services.engine.domain.execution.node_progress import NodePlace, NodeProgress, Rounds
from services.engine.domain.execution.response_coordinator import ResponseCoordinator
from services.engine.domain.variables.pool import VariablePool
from services.engine.domain.variables.selectors import CONVERSATION
from services.engine.domain.variables.values import Missing, Value


class FrameTree:
    """`active` are the nodes under way in starting order; `ready` those whose turn has come, in the
    order in which it came; `resting` the paths of rounds that are over and not finished yet."""

    __slots__ = ("_workflow", "active", "by_path", "coordinator", "ready", "resting", "root")

    def __init__(self, workflow: CompiledWorkflow) -> None:
        self._workflow = workflow
        pool = VariablePool()
        responses = FrameResponses("", workflow, pool)
        self.root = Frame(path="", plan=workflow, pool=pool, responses=responses)
        self.by_path = {"": self.root}
        self.coordinator = ResponseCoordinator(responses)
        self.active: dict[NodePlace, NodeProgress] = {}
        self.ready: deque[ReadyNode] = deque()
        self.resting: list[str] = []

    def progress(self, frame: str, node_id: str) -> NodeProgress | None:
        """The node, if it is under way."""
        found = self.by_path.get(frame)
        node = None if found is None else found.plan.graph.index_of.get(node_id)
        return None if node is None else self.active.get((frame, node))

    def enter(self, frame: Frame) -> None:
        """Begin with the frame's root; one that only marks the beginning is passed over."""
        root = frame.plan.graph.root
        if root is None:
            return
        if frame.plan.passes_root:
            self.end_node(frame, root, "source")
        else:
            frame.pending = 1
            self.ready.append((frame.path, root, None))

    def end_node(self, frame: Frame, node: int, handle: str) -> None:
        """The node has ended: decide its edges."""
        if frame.responses is not None:
            frame.responses.node_ended(node, skipped=False)
        opened = frame.leave(node, handle, self.ready)
        if frame.responses is not None:
            for edge in opened:
                self.coordinator.opened(frame.path, frame.responses.edge_taken(edge))

    def take_turn(self, path: str, node: int) -> None:
        """The node begins out of turn: it was taken over, and what waits before it was not."""
        for place, waiting in enumerate(self.ready):
            if waiting[:2] == (path, node):
                del self.ready[place]
                return

    def change(self, frame: Frame, scope: str, values: Mapping[str, Value]) -> None:
        """Give variables of the frame other values. Nodes under way keep what they have seen, save
        containers: their rounds are in the journal, and they go on by what these leave."""
        seen = [
            (progress, name, self._read(progress, scope, name))
            for progress in self.active.values()
            if progress.rounds is None and progress.retry_due is None
            for name in values
        ]
        frame.pool.put_all(scope, values)
        for progress, name, value in seen:
            if self._read(progress, scope, name) is not value:
                progress.remember(scope, name, value)

    def _read(self, progress: NodeProgress, scope: str, name: str) -> Value | Missing:
        return self.by_path[progress.frame].pool.get((scope, name))

    def rest(self, frame: Frame) -> None:
        """Note a round in which nothing is left to do, or nothing may be done any more."""
        if frame is not self.root:
            self.resting.append(frame.path)

    def begin(self, event: journal.FrameStarted, rounds: Rounds) -> None:
        """A round begins."""
        outer = self.by_path[event.frame]
        path = frame_path(event.frame, event.node_id, event.index)
        plan = self._workflow.frames[event.node_id]
        frame = self._made(path, plan_of=event.node_id, outer=outer, own_pool=_is_item(event))
        frame.parent, frame.container = event.frame, event.node_id
        frame.index, frame.began = event.index, event.at
        rounds.started += 1
        rounds.running += 1
        if rounds.items is not None:
            item = rounds.items[event.index]
            frame.pool.put_all(event.node_id, {"item": item, "index": event.index})
        else:
            for scope in plan.clears:
                frame.pool.clear(scope)
        self.by_path[path] = frame
        if frame.responses is not None:
            place = (event.frame, event.node_id)
            self.coordinator.frame_began(frame.responses, place, event.index)
        self.enter(frame)
        if not frame.pending:
            self.rest(frame)

    def finish(self, frame: Frame, event: journal.FrameFinished, rounds: Rounds) -> None:
        """A round is over: what it leaves goes to its container and to the frame around it."""
        outer = self.by_path[frame.parent]
        rounds.running -= 1
        rounds.total_tokens += frame.total_tokens
        rounds.over = rounds.over or frame.over
        rounds.seconds[frame.index] = max(event.at - frame.began, 0.0)
        if event.error is None:
            if rounds.items is not None:
                self._keep(frame, outer, rounds)
            if rounds.items is None or frame.index == rounds.length - 1:
                outer.merge(frame.outputs)
            self._drop(frame.path)
        else:
            self._break_off(frame.path)

    def withdraw(self, frame: str, node_id: str) -> None:
        """Forget what the node streamed."""
        responses = self.by_path[frame].responses
        if responses is not None:
            responses.withdraw(node_id)

    def inside(self, path: str) -> list[NodeProgress]:
        """The nodes under way in the frame and below it."""
        return [each for each in self.active.values() if is_within(each.frame, path)]

    def stop(self, path: str) -> None:
        """Nothing new begins in the frame and below it."""
        self.ready = deque(each for each in self.ready if not is_within(each[0], path))
        self.resting = [each for each in self.resting if not is_within(each, path)]

    def _keep(self, frame: Frame, outer: Frame, rounds: Rounds) -> None:
        value = None if rounds.output is None else frame.pool.get(tuple(rounds.output))
        rounds.outputs[frame.index] = None if isinstance(value, Missing) else value
        if written := frame.pool.own(CONVERSATION):
            self.change(outer, CONVERSATION, written)

    def _drop(self, path: str) -> None:
        self.coordinator.frame_ended(path)
        del self.by_path[path]
        if self.resting and self.resting[0] == path:
            del self.resting[0]

    def _break_off(self, path: str) -> None:
        """The round failed: all that is under way in it ends with it."""
        self.stop(path)
        broken = self.inside(path)
        for progress in broken:
            del self.active[progress.place]
            self.withdraw(progress.frame, progress.node_id)
        for each in reversed([each for each in self.by_path if is_within(each, path)]):
            self._drop(each)
        for progress in broken:
            self.coordinator.container_ended((progress.frame, progress.node_id))

    def _made(self, path: str, *, plan_of: str, outer: Frame, own_pool: bool) -> Frame:
        plan = self._workflow.frames[plan_of]
        pool = VariablePool(outer.pool) if own_pool else outer.pool
        responses = FrameResponses(path, plan, pool) if plan.speaks else None
        return Frame(path=path, plan=plan, pool=pool, responses=responses)

    def snapshot(self) -> list[FrameSnapshot]:
        """All frames, each behind the one around it."""
        return [
            frame.snapshot(
                shares_pool=frame is not self.root and frame.pool is self.by_path[frame.parent].pool
            )
            for frame in self.by_path.values()
        ]

    def restore(self, saved: list[FrameSnapshot]) -> None:
        """Become the frames, of the same workflow, that `saved` was taken of."""
        for each in saved:
            frame = self.root
            if each.path:
                frame = self._made(
                    each.path,
                    plan_of=each.container,
                    outer=self.by_path[each.parent],
                    own_pool=each.pool is not None,
                )
                frame.parent, frame.container = each.parent, each.container
                frame.index, frame.began = each.index, each.began
                self.by_path[each.path] = frame
            frame.restore(each)


def _is_item(event: journal.FrameStarted) -> bool:
    return event.container == "iteration"
