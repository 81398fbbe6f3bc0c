"""What a streaming run says on the public wire, as far as a terminal shows it."""

from pydantic import BaseModel, ConfigDict, JsonValue


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class ExecutionMetadata(_Model):
    total_tokens: int | None = None


class EventData(_Model):
    """The `data` of an event; which fields are set depends on the event."""

    id: str = ""
    node_id: str = ""
    node_type: str = ""
    title: str = ""
    status: str = ""
    error: str | None = None
    text: str = ""
    outputs: JsonValue = None
    elapsed_time: float | None = None
    total_tokens: int | None = None
    execution_metadata: ExecutionMetadata | None = None


class RunEvent(_Model):
    """One event; `event` is its name, `answer` a piece of a chat answer."""

    event: str
    task_id: str = ""
    workflow_run_id: str = ""
    conversation_id: str = ""
    answer: str = ""
    code: str = ""
    message: str = ""
    data: EventData | None = None
