"""What happened in a run as events on Dify's wire, each with the id that resumes after it."""

from dataclasses import dataclass

from pydantic import JsonValue

from libs.common.contracts.run_events import (
    ContainerStarted,
    GenerationStarted,
    HumanInputEnded,
    HumanInputRequired,
    NodeFinished,
    NodeRetrying,
    NodeStarted,
    RoundStarted,
    RunFinished,
    RunPaused,
    RunResumed,
    RunStarted,
    TextCommitted,
    TextReplaced,
)
from libs.common.errors import HeddleError
from services.backend.app.runs.start_run import StartedRun
from services.backend.domain.runs.records import RunEnding, ending_of
from services.backend.domain.runs.resume_point import START, ResumePoint
from services.backend.domain.runs.run_joiner import (
    Happened,
    JoinedItem,
    TextShown,
    TextWithdrawn,
    Transient,
)
from services.backend.interface.http.dify.errors import dify_error_body
from services.backend.interface.http.dify.node_payloads import (
    container_finished_data,
    container_started_data,
    is_container,
    node_finished_data,
    node_retry_data,
    node_started_data,
    round_started_data,
)
from services.backend.interface.http.dify.output_files import output_files
from services.backend.interface.http.dify.pause_payloads import (
    TokenOf,
    human_input_ended_data,
    human_input_required_data,
    workflow_paused_data,
)
from services.backend.interface.http.dify.run_payloads import (
    workflow_finished_data,
    workflow_resumed_data,
    workflow_started_data,
)
from services.backend.interface.http.dify.usage import answer_metadata

Data = dict[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class WireEvent:
    """`id` None: transient, not to be resumed after."""

    id: str | None
    body: Data


class StreamEvents:
    """One reader's mapping; `seen` is the point its client resumes from, `token_of` makes the
    tokens of forms."""

    def __init__(self, run: StartedRun, seen: ResumePoint = START, *, token_of: TokenOf) -> None:
        self._token_of = token_of
        self._run = run
        self._seen = seen
        self._chat = run.mode == "advanced-chat"

    def of(self, item: JoinedItem) -> list[WireEvent]:
        """The events of one item, in the order they are sent."""
        match item:
            case TextShown():
                return [WireEvent(id=str(item.at), body=self._text_grew(item))]
            case TextWithdrawn():
                return [WireEvent(id=str(item.at), body=self._text_replaced(item))]
            case Transient():
                return []
            case Happened():
                return self._happened(item)

    def ended(self, ending: RunEnding, seq: int, offset: int) -> list[WireEvent]:
        """The run's last events. They share one journal position: the numbers after it are free,
        so each has an id of its own, and the client's point tells which of them it has."""
        bodies = self._chat_end(ending) if self._chat else [self._finished(ending)]
        return [
            WireEvent(id=f"{seq + index}.{offset}", body=body)
            for index, body in enumerate(bodies)
            if seq + index > self._seen.seq
        ]

    def error(self, error: HeddleError) -> WireEvent:
        """What ends a stream that cannot go on."""
        return WireEvent(id=None, body=self._envelope("error", **dify_error_body(error)))

    def _happened(self, item: Happened) -> list[WireEvent]:
        event = item.event
        match event:
            case RunFinished():
                ending = ending_of(self._run.run_id, event, "")
                return self.ended(ending, event.seq, item.at.offset)
            case RunStarted():
                data, name = workflow_started_data(self._run, event), "workflow_started"
            case NodeStarted() | NodeFinished() if is_container(event):
                return self._container_ended(event, item)
            case ContainerStarted():
                data, name = container_started_data(event), event.kind
            case RoundStarted(kind="loop_next", round=0):
                return []  # the first round of a loop has no event there
            case RoundStarted():
                data, name = round_started_data(event), event.kind
            case NodeStarted():
                data, name = node_started_data(event), "node_started"
            case NodeFinished():
                data, name = node_finished_data(event), "node_finished"
            case NodeRetrying():
                data, name = node_retry_data(event), "node_retry"
            case HumanInputRequired() | HumanInputEnded() | RunPaused() | RunResumed():
                name, data = self._standing(event)
            case GenerationStarted() | TextCommitted() | TextReplaced():
                return []  # the joiner has told them as text
        return [WireEvent(id=str(item.at), body=self._envelope(name, data=data))]

    def _standing(
        self, event: HumanInputRequired | HumanInputEnded | RunPaused | RunResumed
    ) -> tuple[str, Data]:
        """Events of a run that waits for people, or was paused."""
        match event:
            case HumanInputRequired():
                return "human_input_required", human_input_required_data(event, self._token_of)
            case HumanInputEnded(kind="human_input_filled"):
                return "human_input_form_filled", human_input_ended_data(event)
            case HumanInputEnded():
                return "human_input_form_timeout", human_input_ended_data(event)
            case RunPaused():
                data = workflow_paused_data(self._run, event, self._token_of)
                return "workflow_paused", data
            case RunResumed():
                return "workflow_started", workflow_resumed_data(self._run, event)

    def _container_ended(
        self, event: NodeStarted | NodeFinished, item: Happened
    ) -> list[WireEvent]:
        """Nothing for a container that never came to its rounds, as on Dify."""
        if not isinstance(event, NodeFinished) or event.rounds is None:
            return []
        data = container_finished_data(event)
        body = self._envelope(f"{event.node_type}_completed", data=data)
        return [WireEvent(id=str(item.at), body=body)]

    def _text_grew(self, item: TextShown) -> Data:
        selector: list[JsonValue] = list(item.selector)
        if not self._chat:
            data: Data = {"text": item.text, "from_variable_selector": selector}
            return self._envelope("text_chunk", data=data)
        return self._message("message", answer=item.text, from_variable_selector=selector)

    def _text_replaced(self, item: TextWithdrawn) -> Data:
        if not self._chat:
            data: Data = {"text": item.text}
            return self._envelope("text_replace", data=data)
        return self._message("message_replace", answer=item.text, reason="regenerated")

    def _chat_end(self, ending: RunEnding) -> list[Data]:
        finished = self._finished(ending)
        message_end = self._message(
            "message_end",
            metadata=answer_metadata(ending.usage),
            files=output_files(ending.outputs),
        )
        match ending.status:
            case "failed":
                error: Data = {
                    "code": "invalid_param",
                    "message": f"Run failed: {ending.error or ''}",
                    "status": 400,
                }
                return [finished, self._envelope("error", **error)]
            case "stopped":
                return [finished, message_end]
            case _:
                return [message_end, finished]

    def _finished(self, ending: RunEnding) -> Data:
        return self._envelope("workflow_finished", data=workflow_finished_data(self._run, ending))

    def _message(self, event: str, **fields: JsonValue) -> Data:
        return self._envelope(event, id=str(self._run.message_id), **fields)

    def _envelope(self, event: str, **fields: JsonValue) -> Data:
        run_id = str(self._run.run_id)
        if not self._chat:
            return {"event": event, "task_id": run_id, "workflow_run_id": run_id, **fields}
        return {
            "event": event,
            "conversation_id": str(self._run.conversation_id),
            "message_id": str(self._run.message_id),
            "created_at": int(self._run.created_at.timestamp()),
            "task_id": run_id,
            "workflow_run_id": run_id,
            **fields,
        }
