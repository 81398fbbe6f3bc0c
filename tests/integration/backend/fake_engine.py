"""An engine that plays short scripted runs, on the bus of a test."""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.form_deliveries import FormDeliveries
from libs.common.contracts.forms import FormQuery
from libs.common.contracts.run_commands import (
    AbortRun,
    AcceptRun,
    CommandAccepted,
    ResumeRun,
    RunAccepted,
    RunEnded,
    RunStatus,
)
from libs.common.contracts.run_events import (
    CommittedEvent,
    GenerationStarted,
    NodeFinished,
    NodeStarted,
    ReasoningDelta,
    RunEvent,
    RunEventMessage,
    RunFinished,
    RunStarted,
    TextCommitted,
    TextDelta,
)
from libs.common.contracts.run_queries import (
    NodeTrace,
    RunEventsPage,
    RunEventsQuery,
    RunQuery,
    RunsQuery,
    RunSummaries,
    RunSummary,
    RunTrace,
    RunView,
    TraceQuery,
)
from libs.common.contracts.subjects import (
    ABORT_RUN,
    ACCEPT_RUN,
    FORM_DELIVERIES,
    REGISTER_WORKFLOW,
    RESUME_RUN,
    RUN_ENDED,
    RUN_EVENTS,
    RUN_TRACE,
    RUN_VIEW,
    RUNS,
    VALIDATE_WORKFLOW,
    run_live,
)
from libs.common.contracts.workflows import (
    Finding,
    RegisterWorkflow,
    ValidateWorkflow,
    ValidationReport,
    WorkflowDefinition,
)
from libs.common.errors import NotFound, Unavailable, WireError
from libs.common.identifiers import node_execution_id
from libs.common.messaging.in_memory_bus import InMemoryBus

SELECTOR = ("llm", "text")


@dataclass(slots=True)
class FakeRun:
    acceptance: AcceptRun
    events: list[CommittedEvent] = field(default_factory=list[CommittedEvent])
    status: RunStatus = "running"
    resumed_by: set[UUID] = field(default_factory=set[UUID])
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


@dataclass(slots=True)
class FakeEngine:
    """A run says `echo: <query or text input>`, word by word. Inputs steer it: `fail` fails it,
    `hold` lets it wait, after its first words, until it is stopped or `go` is set; `thought` is
    thought before the rest. `read_from` is set when somebody has asked for the stored part.
    `set_aside` True: nobody can go on with any run."""

    bus: InMemoryBus
    registered: set[str] = field(default_factory=set[str])
    runs: dict[UUID, FakeRun] = field(default_factory=dict[UUID, FakeRun])
    live: bool = True
    away: bool = False
    set_aside: bool = False
    forms: dict[UUID, FormDeliveries] = field(default_factory=dict[UUID, FormDeliveries])
    said: list[tuple[UUID, TextDelta]] = field(default_factory=list[tuple[UUID, TextDelta]])
    go: asyncio.Event = field(default_factory=asyncio.Event)
    spoke: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    read_from: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self) -> None:
        await self.bus.serve(VALIDATE_WORKFLOW, self._validate)
        await self.bus.serve(REGISTER_WORKFLOW, self._register)
        await self.bus.serve(ACCEPT_RUN, self._accept)
        await self.bus.serve(ABORT_RUN, self._abort)
        await self.bus.serve(RESUME_RUN, self._resume)
        await self.bus.serve(RUNS, self._summaries)
        await self.bus.serve(RUN_VIEW, self._view)
        await self.bus.serve(RUN_EVENTS, self._events)
        await self.bus.serve(RUN_TRACE, self._trace)
        await self.bus.serve(FORM_DELIVERIES, self._form_deliveries)

    async def read(self, tenant_id: UUID, run_id: UUID) -> list[TextDelta]:
        """The tail of deltas that late readers get."""
        return [delta for said_by, delta in self.said if said_by == run_id]

    async def close(self) -> None:
        tasks = [run.task for run in self.runs.values() if run.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _validate(self, message: ValidateWorkflow, _: Envelope) -> ValidationReport:
        return _report(message.definition)

    async def _register(self, message: RegisterWorkflow, _: Envelope) -> ValidationReport:
        report = _report(message.definition)
        if not report.errors:
            self.registered.add(report.content_hash)
        return report

    async def _accept(self, message: AcceptRun, _: Envelope) -> RunAccepted:
        if self.away:
            raise Unavailable("The engine is away.")
        if message.workflow_hash not in self.registered:
            raise WireError(code="workflow_unknown", status=404, message="unknown").to_error()
        known = message.run_id in self.runs
        if not known:
            run = self.runs[message.run_id] = FakeRun(message)
            if self.set_aside:
                run.status = "quarantined"
                return RunAccepted(run_id=message.run_id, status="running")
            run.task = asyncio.create_task(self._play(run))
            self.begun.set()
        return RunAccepted(run_id=message.run_id, status="running", already_known=known)

    async def _form_deliveries(self, message: FormQuery, _: Envelope) -> FormDeliveries:
        found = self.forms.get(message.form_id)
        if found is None:
            raise NotFound("No such form.")
        return found

    async def _abort(self, message: AbortRun, _: Envelope) -> CommandAccepted:
        run = self._run(message.run_id)
        run.stopped.set()
        return CommandAccepted(accepted=True, run_status=run.status)

    async def _resume(self, message: ResumeRun, _: Envelope) -> CommandAccepted:
        run = self._run(message.run_id)
        accepted = run.status == "quarantined" or message.command_id in run.resumed_by
        if run.status == "quarantined":
            run.resumed_by.add(message.command_id)
            run.status = "running"
            run.task = asyncio.create_task(self._play(run))
        return CommandAccepted(accepted=accepted, run_status=run.status)

    async def _summaries(self, query: RunsQuery, _: Envelope) -> RunSummaries:
        found = [
            RunSummary(
                run_id=run_id,
                app_id=run.acceptance.app_id,
                status=run.status,
                created_at=0.0,
                evidence="it broke" if run.status == "quarantined" else None,
            )
            for run_id, run in sorted(self.runs.items(), reverse=True)
            if run_id in query.run_ids or (not query.run_ids and run.status == query.status)
            if query.before is None or run_id < query.before
        ]
        return RunSummaries(runs=tuple(found[: query.limit]), more=len(found) > query.limit)

    async def _view(self, query: RunQuery, _: Envelope) -> RunView:
        run = self._run(query.run_id)
        return RunView(
            run_id=query.run_id,
            app_id=run.acceptance.app_id,
            status=run.status,
            error="it broke" if run.status == "quarantined" else None,
            created_at=0.0,
            last_public_seq=run.events[-1].seq if run.events else 0,
        )

    async def _events(self, query: RunEventsQuery, _: Envelope) -> RunEventsPage:
        run = self._run(query.run_id)
        self.read_from.set()
        found = [event for event in run.events if event.seq > query.after_seq]
        return RunEventsPage(events=tuple(found[:3]), more=len(found) > 3, status=run.status)

    async def _trace(self, query: TraceQuery, envelope: Envelope) -> RunTrace:
        view = await self._view(query, envelope)
        node = NodeTrace(
            execution_id=node_execution_id(query.run_id, "llm", "", 0),
            node_id="llm",
            node_type="llm",
            title="LLM",
            index=1,
            status="succeeded",
            started_at=0.0,
            elapsed_seconds=0.5,
            total_tokens=7,
        )
        return RunTrace(run=view, nodes=(node,))

    def _run(self, run_id: UUID) -> FakeRun:
        if run_id not in self.runs:
            raise WireError(code="run_unknown", status=404, message="No such run").to_error()
        return self.runs[run_id]

    async def _play(self, run: FakeRun) -> None:
        asked = run.acceptance
        said = asked.system.get("query") or asked.inputs.get("text") or ""
        if "hard" in asked.inputs:
            said = "; ".join(f"{turn.query}>{turn.answer}" for turn in asked.history)
        text = f"echo: {said}"
        await self._commit(run, RunStarted, workflow_hash="h", inputs=asked.inputs)
        node: dict[str, Any] = {
            "execution_id": node_execution_id(asked.run_id, "llm", "", 0),
            "node_id": "llm",
            "node_type": "llm",
            "title": "LLM",
            "index": 1,
        }
        await self._commit(run, NodeStarted, **node)
        place: dict[str, Any] = {"node_id": "llm", "selector": SELECTOR, "from_offset": 0}
        await self._commit(run, GenerationStarted, key="k", generation="g", **place)
        await self._say(run, 0, text[:6])
        if asked.inputs.get("hold"):
            await self._until_stopped_or(run, self.go)
        if run.stopped.is_set():
            await self._finish(run, "stopped", "Stopped by user.", "")
            return
        if thought := asked.inputs.get("thought"):
            thinking = ReasoningDelta(node_id="llm", text=str(thought), generation="g")
            await self._publish(run, thinking)
        await self._say(run, 6, text[6:])
        await self._commit(run, TextCommitted, text=text, generation="g", **place)
        failed = bool(asked.inputs.get("fail"))
        await self._commit(
            run,
            NodeFinished,
            **node,
            status="failed" if failed else "succeeded",
            error_type=str(asked.inputs["fail"]) if failed else None,
            outputs={"text": text},
            started_at=1.0,
            elapsed_seconds=0.5,
            metadata={"total_tokens": 7},
        )
        if failed:
            await self._finish(run, "failed", "the provider is down", text)
        else:
            await self._finish(run, "succeeded", None, text)

    async def _until_stopped_or(self, run: FakeRun, go: asyncio.Event) -> None:
        waits = [asyncio.create_task(run.stopped.wait()), asyncio.create_task(go.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _finish(self, run: FakeRun, status: RunStatus, error: str | None, text: str) -> None:
        outputs = {"answer": text} if status == "succeeded" else {}
        run.status = status
        await self._commit(
            run,
            RunFinished,
            status=status,
            outputs=outputs,
            error=error,
            elapsed_seconds=1.0,
            total_tokens=7,
            total_steps=1,
            usage={"total_tokens": 7},
            created_at=1.0,
        )
        asked = run.acceptance
        fact = RunEnded(
            tenant_id=asked.tenant_id,
            run_id=asked.run_id,
            app_id=asked.app_id,
            epoch=1,
            status=status,
            outputs={**outputs},
            answer=text,
            error=error,
            created_at=1.0,
            finished_at=2.0,
        )
        envelope = Envelope(tenant_id=asked.tenant_id)
        await self.bus.enqueue(RUN_ENDED, fact, envelope=envelope, message_id=str(asked.run_id))

    async def _commit(self, run: FakeRun, kind: type[CommittedEvent], **fields: Any) -> None:
        prev = run.events[-1].seq if run.events else 0
        event = kind.model_validate({"seq": prev + 2, "prev": prev, "at": 2.0, **fields})
        run.events.append(event)
        await self._publish(run, event)

    async def _say(self, run: FakeRun, offset: int, text: str) -> None:
        delta = TextDelta(
            seq=run.events[-1].seq,
            from_offset=offset,
            text=text,
            node_id="llm",
            selector=SELECTOR,
            generation="g",
        )
        self.said.append((run.acceptance.run_id, delta))
        self.spoke.set()
        await self._publish(run, delta)

    async def _publish(self, run: FakeRun, event: RunEvent) -> None:
        if not self.live:
            return
        asked = run.acceptance
        message = RunEventMessage(run_id=asked.run_id, events=(event,))
        await self.bus.broadcast(
            run_live(asked.tenant_id, asked.run_id),
            message,
            envelope=Envelope(tenant_id=asked.tenant_id),
        )


def _report(definition: WorkflowDefinition) -> ValidationReport:
    errors: list[Finding] = []
    nodes = definition.graph["nodes"]
    assert isinstance(nodes, list)
    for node in nodes:
        assert isinstance(node, dict)
        data = node["data"]
        assert isinstance(data, dict)
        if data.get("type") == "mystery":
            errors.append(
                Finding(
                    code="node_type_unknown",
                    message="no such node type",
                    node_id=str(node["id"]),
                    field="type",
                )
            )
    content_hash = f"hash-{hash(definition.model_dump_json())}"
    return ValidationReport(content_hash=content_hash, errors=tuple(errors))
