"""A run as the fold over its journal: pure, total, incremental.

Applying an event costs what the event touches: no step scans the graph, nothing is copied.
"""

from collections import deque
from collections.abc import Mapping
from typing import assert_never

from services.engine.domain.events import journal
from services.engine.domain.execution.compile_workflow import CompiledWorkflow
from services.engine.domain.execution.node_progress import NodeProgress
from services.engine.domain.execution.response_coordinator import Emission, ResponseCoordinator
from services.engine.domain.execution.run_totals import RunTotals
from services.engine.domain.execution.state_snapshot import StateSnapshot
from services.engine.domain.variables.pool import VariablePool
from services.engine.domain.variables.selectors import CONVERSATION, ENVIRONMENT, SYSTEM
from services.engine.domain.variables.values import Value

ReadyNode = tuple[int, str | None]
"""A node's number and the id of the node whose edge made it ready."""


class RunState:
    """`started` is None before the first event, `finished` before the last one.

    `active` are the nodes under way in starting order; `ready` those whose turn has come, in the
    order in which it came; `owners` the node of each effect under way; `announced` the generations,
    by key, whose text readers may hold and whose end is not accounted for yet. `failed` is the
    error of an unhandled failure and `stopped` the reason of an abort: either one ends the run.

    `secrets` are the environment values that the journal only names.
    """

    __slots__ = (
        "_nodes",
        "_outgoing",
        "_secrets",
        "_taken",
        "_undecided",
        "_workflow",
        "active",
        "announced",
        "commands",
        "coordinator",
        "exceptions",
        "failed",
        "finished",
        "outputs",
        "owners",
        "pool",
        "ready",
        "started",
        "steps",
        "stopped",
        "totals",
    )

    def __init__(
        self, workflow: CompiledWorkflow, secrets: Mapping[str, Value] | None = None
    ) -> None:
        self._workflow = workflow
        self._secrets = secrets or {}
        self._nodes = workflow.nodes
        self._outgoing = workflow.graph.outgoing
        self._undecided = list(workflow.undecided)
        self._taken = bytearray(len(workflow.nodes))
        self.pool = VariablePool()
        self.coordinator = ResponseCoordinator(workflow.graph, workflow.responses, self.pool)
        self.active: dict[int, NodeProgress] = {}
        self.owners: dict[str, NodeProgress] = {}
        self.ready: deque[ReadyNode] = deque()
        self.announced: dict[str, str] = {}
        self.commands: set[str] = set()
        self.outputs: dict[str, Value] = {}
        self.totals = RunTotals()
        self.steps = 0
        self.exceptions = 0
        self.failed: str | None = None
        self.stopped: str | None = None
        self.started: journal.RunStarted | None = None
        self.finished: journal.RunFinished | None = None

    def apply(self, event: journal.JournalEvent) -> list[Emission]:
        """Take the next event; returns the text that it made visible."""
        self._take(event)
        return self.coordinator.advance()

    def snapshot(self) -> StateSnapshot:
        """Plain data that later events leave alone. Values of secrets are left out."""
        pool = self.pool.snapshot()
        for name in self._secrets:
            pool.get(ENVIRONMENT, {}).pop(name, None)
        return StateSnapshot(
            undecided=[*self._undecided],
            taken=list(self._taken),
            pool=pool,
            coordinator=self.coordinator.snapshot(),
            active=[progress.snapshot() for progress in self.active.values()],
            ready=[*self.ready],
            announced={**self.announced},
            commands=sorted(self.commands),
            outputs={**self.outputs},
            totals=self.totals.snapshot(),
            steps=self.steps,
            exceptions=self.exceptions,
            failed=self.failed,
            stopped=self.stopped,
            started=self.started,
            finished=self.finished,
        )

    def restore(self, saved: StateSnapshot) -> None:
        """Become the state, of the same workflow and secrets, that `saved` was taken of."""
        self._undecided = [*saved.undecided]
        self._taken = bytearray(saved.taken)
        self.pool.restore(saved.pool)
        if saved.started is not None:
            self.pool.put_all(ENVIRONMENT, self._secrets)
        self.coordinator.restore(saved.coordinator)
        self.active = {each.node: each.snapshot() for each in saved.active}
        self.owners = {
            key: progress
            for progress in self.active.values()
            # Before a retry nobody waits for what the last attempt asked.
            if progress.retry_due is None
            for key in progress.dispatched
            if not progress.answered(key)
        }
        self.ready = deque(saved.ready)
        self.announced = {**saved.announced}
        self.commands = set(saved.commands)
        self.outputs = {**saved.outputs}
        self.totals.restore(saved.totals)
        self.steps, self.exceptions = saved.steps, saved.exceptions
        self.failed, self.stopped = saved.failed, saved.stopped
        self.started, self.finished = saved.started, saved.finished

    def _take(self, event: journal.JournalEvent) -> None:  # noqa: C901 - one line a kind of event
        match event:
            case journal.NodeStarted():
                self._started_node(event)
            case journal.NodeSucceeded():
                self._node_succeeded(event)
            case journal.EffectDispatched():
                self._dispatched(event)
            case journal.EffectCompleted():
                self._effect_completed(event)
            case journal.EffectFailed():
                self._effect_failed(event)
            case journal.GenerationStarted():
                self.announced[event.key] = event.generation
            case journal.TextCommitted():
                self._said(event)
            case journal.TextReplaced():
                self.coordinator.visible_length = event.from_offset
                self.announced.clear()
            case journal.NodeRetryScheduled():
                self._retry_scheduled(event)
            case journal.NodeRetried():
                self._retried(event)
            case journal.NodeFailed():
                self._node_failed(event)
            case journal.CommandApplied():
                self.commands.add(event.command_id)
                self.stopped = event.reason
                self.ready.clear()
            case journal.RunStarted():
                self._started_run(event)
            case journal.RunFinished():
                self.finished = event
                self.ready.clear()
            case _:
                assert_never(event)

    def _started_run(self, event: journal.RunStarted) -> None:
        self.started = event
        self.pool.put_all(SYSTEM, event.system)
        self.pool.put_all(ENVIRONMENT, event.environment)
        self.pool.put_all(ENVIRONMENT, self._secrets)
        self.pool.put_all(CONVERSATION, event.conversation)
        root = self._workflow.graph.root
        if root is not None:
            self.ready.append((root, None))
        self.coordinator.start()

    def _started_node(self, event: journal.NodeStarted) -> None:
        node = self._workflow.graph.index_of[event.node_id]
        if self.ready and self.ready[0][0] == node:
            self.ready.popleft()
        self.steps += 1
        self.active[node] = NodeProgress(
            node=node,
            node_id=event.node_id,
            index=event.index,
            predecessor=event.predecessor,
            started_at=event.at,
        )

    def _dispatched(self, event: journal.EffectDispatched) -> None:
        progress = self._progress(event.node_id)
        if progress is not None:
            progress.dispatched[event.key] = event
            self.owners[event.key] = progress

    def _effect_completed(self, event: journal.EffectCompleted) -> None:
        self.announced.pop(event.key, None)
        progress = self.owners.pop(event.key, None)
        if progress is None:
            return
        progress.results[event.key] = event.result
        if event.visible is not None and event.selector is not None:
            self.coordinator.streamed(tuple(event.selector), event.visible, event.generation or "")

    def _effect_failed(self, event: journal.EffectFailed) -> None:
        # Readers may hold its text: it stays announced until that is committed or withdrawn.
        progress = self.owners.pop(event.key, None)
        if progress is not None:
            progress.failures[event.key] = event

    def _node_succeeded(self, event: journal.NodeSucceeded) -> None:
        node = self._end(event.node_id)
        self.coordinator.node_ended(node, skipped=False)
        self.pool.put_all(event.node_id, event.outputs)
        self.totals.add(event.metadata, event.process_data)
        kind = self._nodes[node].type
        if kind is not None and kind.execution == "response":
            self._merge(event.outputs)
        self._leave(node, event.handle)

    def _said(self, event: journal.TextCommitted) -> None:
        """Only text of a generation that has no result: the fold derives every other."""
        self.coordinator.visible_length = event.from_offset + len(event.text)
        self.announced = {k: g for k, g in self.announced.items() if g != event.generation}

    def _retry_scheduled(self, event: journal.NodeRetryScheduled) -> None:
        self.exceptions += 1
        progress = self._progress(event.node_id)
        if progress is not None:
            self._forget_effects(progress)
            self.coordinator.withdraw(event.node_id)
            progress.retry_due = event.due

    def _retried(self, event: journal.NodeRetried) -> None:
        progress = self._progress(event.node_id)
        if progress is not None:
            progress.next_attempt(event.attempt)

    def _node_failed(self, event: journal.NodeFailed) -> None:
        self.exceptions += 1
        node = self._end(event.node_id)
        self.totals.add(event.metadata, event.process_data)
        if event.handled == "none":
            # Nothing behind the failure is shown: to readers the node has not ended.
            self.failed = event.error
            self.ready.clear()
            return
        self.coordinator.node_ended(node, skipped=False)
        self.coordinator.withdraw(event.node_id)
        self.pool.put_all(event.node_id, event.outputs)
        self._leave(node, event.handle)

    def _progress(self, node_id: str) -> NodeProgress | None:
        return self.active.get(self._workflow.graph.index_of[node_id])

    def _end(self, node_id: str) -> int:
        node = self._workflow.graph.index_of[node_id]
        progress = self.active.pop(node, None)
        if progress is not None:
            self._forget_effects(progress)
        return node

    def _forget_effects(self, progress: NodeProgress) -> None:
        for key in progress.dispatched:
            self.owners.pop(key, None)
            self.announced.pop(key, None)

    def _merge(self, outputs: dict[str, Value]) -> None:
        for name, value in outputs.items():
            before = self.outputs.get(name)
            if name == "answer" and isinstance(before, str) and isinstance(value, str):
                self.outputs[name] = before + value
            else:
                self.outputs[name] = value

    def _leave(self, node: int, handle: str) -> None:
        """Decide the node's outgoing edges, and whatever follows from that without work."""
        leaving = self._nodes[node].place.id
        chooses = self._nodes[node].branches
        skipped: list[int] = []
        for edge in self._outgoing[node]:
            taken = not chooses or edge.handle == handle
            if taken:
                self._taken[edge.target] = 1
                self.coordinator.edge_taken(edge.index)
            self._decide(edge.target, leaving, skipped)
        while skipped:
            gone = skipped.pop()
            self.coordinator.node_ended(gone, skipped=True)
            for edge in self._outgoing[gone]:
                self._decide(edge.target, None, skipped)

    def _decide(self, target: int, leaving: str | None, skipped: list[int]) -> None:
        self._undecided[target] -= 1
        if self._undecided[target] == 0:
            if self._taken[target]:
                self.ready.append((target, leaving))
            else:
                skipped.append(target)
