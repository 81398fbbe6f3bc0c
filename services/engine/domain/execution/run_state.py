"""A run as the fold over its journal: pure, total, incremental.

Applying an event costs what the event touches: no step scans the graph, nothing is copied.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from services.engine.domain.events import journal
from services.engine.domain.execution.compile_workflow import CompiledWorkflow
from services.engine.domain.execution.frame import Frame, ReadyNode
from services.engine.domain.execution.frame_paths import frame_path
from services.engine.domain.execution.frame_tree import FrameTree
from services.engine.domain.execution.node_progress import NodePlace, NodeProgress, Rounds
from services.engine.domain.execution.response_coordinator import Emission, ResponseCoordinator
from services.engine.domain.execution.run_totals import RunTotals
from services.engine.domain.execution.standstill import Standstill
from services.engine.domain.node_parts.frames import FrameFailure
from services.engine.domain.variables.pool import VariablePool
from services.engine.domain.variables.selectors import CONVERSATION, ENVIRONMENT, SYSTEM
from services.engine.domain.variables.values import Value


class RunState:
    """`started` is None before the first event, `finished` before the last one.

    `frames` are the graphs under way; `owners` the node of each effect under way; `announced` the
    generations, by key, whose text readers may hold and whose end is not accounted for yet.
    `failed` is the error of an unhandled failure and `stopped` the reason of an abort: either one
    ends the run. `standstill` is what keeps it from going on.

    `secrets` are the environment values that the journal only names.
    """

    __slots__ = (
        "announced",
        "commands",
        "exceptions",
        "failed",
        "finished",
        "frames",
        "owners",
        "secrets",
        "standstill",
        "started",
        "steps",
        "stopped",
        "totals",
    )

    def __init__(
        self, workflow: CompiledWorkflow, secrets: Mapping[str, Value] | None = None
    ) -> None:
        self.secrets = secrets or {}
        self.frames = FrameTree(workflow)
        self.owners: dict[str, NodeProgress] = {}
        self.announced: dict[str, str] = {}
        self.commands: set[str] = set()
        self.standstill = Standstill()
        self.totals = RunTotals()
        self.steps = 0
        self.exceptions = 0
        self.failed: str | None = None
        self.stopped: str | None = None
        self.started: journal.RunStarted | None = None
        self.finished: journal.RunFinished | None = None

    @property
    def active(self) -> dict[NodePlace, NodeProgress]:
        """The nodes under way, in starting order."""
        return self.frames.active

    @property
    def ready(self) -> deque[ReadyNode]:
        """The nodes whose turn has come, in the order in which it came."""
        return self.frames.ready

    @property
    def pool(self) -> VariablePool:
        """The variables of the run's own frame."""
        return self.frames.root.pool

    @property
    def outputs(self) -> dict[str, Value]:
        return self.frames.root.outputs

    @property
    def model_tokens(self) -> int:
        """Those that answered model calls have used."""
        return self.totals.model_tokens

    @property
    def coordinator(self) -> ResponseCoordinator:
        return self.frames.coordinator

    def apply(self, event: journal.JournalEvent) -> Sequence[Emission]:
        """Take the next event; returns the text that it made visible."""
        self.folds[type(event)](self, event)
        return self.frames.coordinator.advance()

    def _generation_started(self, event: journal.GenerationStarted) -> None:
        self.announced[event.key] = event.generation

    def _text_replaced(self, event: journal.TextReplaced) -> None:
        self.coordinator.visible_length = event.from_offset
        self.announced.clear()

    def _variable_updated(self, event: journal.VariableUpdated) -> None:
        scope, name = event.selector
        self.frames.change(self.frames.by_path[event.frame], scope, {name: event.value})

    def _variables_given(self, event: journal.VariablesGiven) -> None:
        for scope, values in event.variables.items():
            self.pool.put_all(scope, values)

    def _halted(
        self,
        event: journal.FormOpened | journal.ChildStarted | journal.RunParked | journal.RunResumed,
    ) -> None:
        self.standstill.apply(event)

    def _history_taken(self, event: journal.HistoryTaken) -> None:
        """It tells readers where the run comes from, and changes nothing in it."""

    def _finished_run(self, event: journal.RunFinished) -> None:
        self.finished = event
        self.ready.clear()
        self.frames.resting.clear()

    def _started_run(self, event: journal.RunStarted) -> None:
        self.started = event
        self.pool.put_all(SYSTEM, event.system)
        self.pool.put_all(ENVIRONMENT, event.environment)
        self.pool.put_all(ENVIRONMENT, self.secrets)
        self.pool.put_all(CONVERSATION, event.conversation)
        root = self.frames.root
        self.frames.enter(root)
        if root.responses is not None:
            self.coordinator.opened("", root.responses.start())

    def _started_node(self, event: journal.NodeStarted) -> None:
        frames = self.frames
        node = frames.by_path[event.frame].plan.graph.index_of[event.node_id]
        if frames.ready and frames.ready[0][:2] == (event.frame, node):
            frames.ready.popleft()
        else:
            frames.take_turn(event.frame, node)
        self.steps += 1
        frames.active[event.frame, node] = NodeProgress(
            node=node,
            node_id=event.node_id,
            frame=event.frame,
            index=event.index,
            predecessor=event.predecessor,
            started_at=event.at,
        )

    def _container_started(self, event: journal.ContainerStarted) -> None:
        progress = self.frames.progress(event.frame, event.node_id)
        if progress is None:
            return
        progress.rounds = Rounds(
            container=event.container, length=event.length, items=event.items, output=event.output
        )
        if event.variables:
            self.frames.by_path[event.frame].pool.put_all(event.node_id, event.variables)

    def _frame_started(self, event: journal.FrameStarted) -> None:
        progress = self.frames.progress(event.frame, event.node_id)
        if progress is not None and progress.rounds is not None:
            self.frames.begin(event, progress.rounds)

    def _frame_finished(self, event: journal.FrameFinished) -> None:
        progress = self.frames.progress(event.frame, event.node_id)
        frame = self.frames.by_path.get(frame_path(event.frame, event.node_id, event.index))
        if frame is None or progress is None or progress.rounds is None:
            return
        if event.error is not None:
            progress.rounds.failures[event.index] = FrameFailure(
                error=event.error, error_type=event.error_type or ""
            )
            for each in self.frames.inside(frame.path):
                self._forget_effects(each)
        self.frames.finish(frame, event, progress.rounds)

    def _dispatched(self, event: journal.EffectDispatched) -> None:
        progress = self.frames.progress(event.frame, event.node_id)
        if progress is not None:
            progress.dispatched[event.key] = event
            self.owners[event.key] = progress

    def _effect_completed(self, event: journal.EffectCompleted) -> None:
        self.announced.pop(event.key, None)
        progress = self.owners.pop(event.key, None)
        if progress is None:
            return
        progress.results[event.key] = event.result
        self.totals.answered(progress.dispatched[event.key].effect_class, event.result)
        self.standstill.child_ended(event)
        if event.visible is not None and event.selector is not None:
            selector, generation = tuple(event.selector), event.generation or ""
            self.coordinator.streamed(progress.frame, selector, event.visible, generation)

    def _form_closed(self, event: journal.FormClosed) -> None:
        self.standstill.apply(event)
        progress = self.owners.pop(event.key, None)
        if progress is not None:
            progress.results[event.key] = {
                "action": event.action,
                "inputs": event.inputs,
                "actor": event.actor,
            }

    def _commanded(self, event: journal.CommandApplied) -> None:
        self.commands.add(event.command_id)
        match event.command:
            case "abort":
                self.stopped = event.reason
                self.ready.clear()
            case "pause":
                self.standstill.paused = event.reason
            case "resume":
                self.standstill.paused = None
            case "update_variables":
                for update in event.updates or ():
                    if isinstance(update, list):
                        changed = {str(update[1]): update[2]}
                        self.frames.change(self.frames.root, str(update[0]), changed)
            case "submit_form" | "child_finished" | "timer_due":
                pass

    def _effect_failed(self, event: journal.EffectFailed) -> None:
        # Readers may hold its text: it stays announced until that is committed or withdrawn.
        progress = self.owners.pop(event.key, None)
        if progress is not None:
            progress.failures[event.key] = event

    def _node_succeeded(self, event: journal.NodeSucceeded) -> None:
        frame, node = self._end(event)
        kind = frame.plan.nodes[node].type
        frame.pool.put_all(event.node_id, event.outputs)
        if kind is not None and kind.execution == "container":
            # Its nodes have been counted one by one.
            self.coordinator.container_ended((event.frame, event.node_id))
        else:
            self._add(frame, event)
        if kind is not None and kind.execution == "response":
            frame.merge(event.outputs)
        if (loop := frame.plan.nodes[node].ends_loop) is not None:
            self._end_loop(frame, loop)
        self._leave(frame, node, event.handle)

    def _add(self, frame: Frame, event: journal.NodeSucceeded | journal.NodeFailed) -> None:
        if event.taken_from is None:
            self.totals.add(event.metadata, event.process_data)
        tokens = event.metadata.get("total_tokens")
        while isinstance(tokens, int) and frame.path:
            frame.total_tokens += tokens
            frame = self.frames.by_path[frame.parent]

    def _end_loop(self, frame: Frame, loop: str) -> None:
        """The round of `loop` that `frame` is or lies in is the last one."""
        while frame.path:
            if frame.container == loop:
                frame.over = True
                return
            frame = self.frames.by_path[frame.parent]

    def _leave(self, frame: Frame, node: int, handle: str) -> None:
        self.frames.end_node(frame, node, handle)
        frame.pending -= 1
        if not frame.pending:
            self.frames.rest(frame)

    def _said(self, event: journal.TextCommitted) -> None:
        """Only text of a generation that has no result: the fold derives every other."""
        self.coordinator.visible_length = event.from_offset + len(event.text)
        self.announced = {k: g for k, g in self.announced.items() if g != event.generation}

    def _retry_scheduled(self, event: journal.NodeRetryScheduled) -> None:
        self.exceptions += 1
        progress = self.frames.progress(event.frame, event.node_id)
        if progress is not None:
            self._forget_effects(progress)
            self.frames.withdraw(event.frame, event.node_id)
            progress.retry_due = event.due

    def _retried(self, event: journal.NodeRetried) -> None:
        progress = self.frames.progress(event.frame, event.node_id)
        if progress is not None:
            progress.next_attempt(event.attempt)

    def _node_failed(self, event: journal.NodeFailed) -> None:
        self.exceptions += 1
        frame, node = self._end(event)
        self._add(frame, event)
        self.coordinator.container_ended((event.frame, event.node_id))
        if event.handled != "none":
            self.frames.withdraw(event.frame, event.node_id)
            frame.pool.put_all(event.node_id, event.outputs)
            self._leave(frame, node, event.handle)
            return
        # Nothing behind the failure is shown: to readers the node has not ended.
        self.frames.stop(frame.path)
        if frame.path:
            self.frames.withdraw(event.frame, event.node_id)
            frame.failed, frame.error_type = event.error, event.error_type
            self.frames.rest(frame)
        else:
            self.failed = event.error

    def _end(self, event: journal.NodeSucceeded | journal.NodeFailed) -> tuple[Frame, int]:
        frame = self.frames.by_path[event.frame]
        node = frame.plan.graph.index_of[event.node_id]
        progress = self.active.pop((event.frame, node), None)
        if progress is not None:
            self._forget_effects(progress)
        return frame, node

    def _forget_effects(self, progress: NodeProgress) -> None:
        for key in progress.dispatched:
            self.owners.pop(key, None)
            self.announced.pop(key, None)
            self.standstill.forget(key)

    # Each method takes the kind that stands beside it. A table, because asking a struct for its
    # class by a pattern takes twenty times as long where the answer is no.
    folds: ClassVar[Mapping[type[journal.JournalEvent], Callable[..., None]]] = {
        journal.RunStarted: _started_run,
        journal.HistoryTaken: _history_taken,
        journal.VariablesGiven: _variables_given,
        journal.NodeStarted: _started_node,
        journal.EffectDispatched: _dispatched,
        journal.GenerationStarted: _generation_started,
        journal.EffectCompleted: _effect_completed,
        journal.EffectFailed: _effect_failed,
        journal.TextCommitted: _said,
        journal.TextReplaced: _text_replaced,
        journal.NodeSucceeded: _node_succeeded,
        journal.NodeFailed: _node_failed,
        journal.NodeRetryScheduled: _retry_scheduled,
        journal.NodeRetried: _retried,
        journal.VariableUpdated: _variable_updated,
        journal.ContainerStarted: _container_started,
        journal.FrameStarted: _frame_started,
        journal.FrameFinished: _frame_finished,
        journal.FormOpened: _halted,
        journal.FormClosed: _form_closed,
        journal.ChildStarted: _halted,
        journal.CommandApplied: _commanded,
        journal.RunParked: _halted,
        journal.RunResumed: _halted,
        journal.RunFinished: _finished_run,
    }
