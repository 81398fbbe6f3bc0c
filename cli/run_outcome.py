"""How a run ended, gathered from its events."""

from dataclasses import dataclass, field

from pydantic import JsonValue

from cli.run_events import RunEvent


@dataclass(slots=True, kw_only=True)
class RunOutcome:
    """Filled event by event; `status` is "" until the run ended. Seconds, tokens."""

    run_id: str = ""
    conversation_id: str = ""
    status: str = ""
    error: str | None = None
    outputs: JsonValue = None
    elapsed_time: float | None = None
    total_tokens: int | None = None
    _text: list[str] = field(default_factory=list[str])

    @property
    def answer(self) -> str:
        """The text that streamed so far."""
        return "".join(self._text)

    @property
    def succeeded(self) -> bool:
        return self.status in {"succeeded", "partial-succeeded"}

    def add(self, event: RunEvent) -> str:
        """Take in an event; the text that it adds to the answer, "" for most."""
        self.run_id = event.workflow_run_id or self.run_id
        self.conversation_id = event.conversation_id or self.conversation_id
        match event.event:
            case "message" | "agent_message":
                return self._append(event.answer)
            case "text_chunk" if event.data:
                return self._append(event.data.text)
            case "text_replace" if event.data:
                self._text = [event.data.text]
            case "message_replace":
                self._text = [event.answer]
            case "workflow_finished" if event.data:
                self.status, self.error = event.data.status, event.data.error
                self.outputs = event.data.outputs
                self.elapsed_time = event.data.elapsed_time
                self.total_tokens = event.data.total_tokens
            case "workflow_paused":
                self.status = "paused"
            case "error":
                self.status = self.status or "failed"
                self.error = self.error or event.message or event.code
            case _:
                pass
        return ""

    def as_json(self) -> dict[str, JsonValue]:
        return {
            "run_id": self.run_id,
            "conversation_id": self.conversation_id or None,
            "status": self.status,
            "answer": self.answer,
            "outputs": self.outputs,
            "error": self.error,
            "elapsed_time": self.elapsed_time,
            "total_tokens": self.total_tokens,
        }

    def _append(self, text: str) -> str:
        self._text.append(text)
        return text
