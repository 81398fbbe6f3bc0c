"""Starts a run on the public wire and follows it to its end, whatever happens to connections."""

import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import httpx
from pydantic import JsonValue, ValidationError

from cli.control_plane import unreachable
from cli.failure import CommandFailed, failure_of
from cli.run_events import RunEvent

USER = "heddle-cli"
_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
# Connections in a row that brought nothing; pauses double between them, 16 s together.
_MOST_FRUITLESS = 6
_FIRST_PAUSE = 0.25
_LAST = frozenset({"workflow_finished", "workflow_paused", "error"})
_CHAT_MODES = frozenset({"advanced-chat", "chat", "agent-chat"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What to run. `query` is for chat apps only and must not be empty there."""

    url: str
    api_key: str = field(repr=False)
    mode: str
    inputs: Mapping[str, JsonValue]
    query: str = ""
    files: Sequence[JsonValue] = ()

    @property
    def is_chat(self) -> bool:
        return self.mode in _CHAT_MODES


@dataclass(slots=True, kw_only=True)
class _Position:
    run_id: str = ""
    last_event_id: str = ""
    ended: bool = False


def follow_run(request: RunRequest) -> Generator[RunEvent]:
    """Every event of the run, in order and once, over as many connections as it takes.

    Raises CommandFailed when the run is refused or the platform stays away.
    """
    position = _Position()
    headers = {"Authorization": f"Bearer {request.api_key}"}
    fruitless = 0
    with httpx.Client(base_url=request.url, headers=headers, timeout=_TIMEOUT) as http:
        while not position.ended:
            if fruitless:
                time.sleep(_FIRST_PAUSE * 2 ** (fruitless - 1))
            before = position.last_event_id
            try:
                with _connect(http, request, position) as answer:
                    if answer.is_error:
                        answer.read()
                        raise failure_of(answer)
                    yield from _events(answer.iter_lines(), position)
            except httpx.TransportError as error:
                if not position.run_id or fruitless == _MOST_FRUITLESS:
                    raise unreachable(http, error) from error
            fruitless = 0 if position.last_event_id != before else fruitless + 1
            if not position.run_id or fruitless > _MOST_FRUITLESS:
                raise CommandFailed(
                    "The stream ended before the run did. Look with `heddle runs show`."
                )


def _connect(
    http: httpx.Client, request: RunRequest, position: _Position
) -> AbstractContextManager[httpx.Response]:
    if position.run_id:
        return http.stream(
            "GET",
            f"/v1/workflow/{position.run_id}/events",
            params={"user": USER},
            headers={"Last-Event-ID": position.last_event_id} if position.last_event_id else {},
        )
    body: dict[str, JsonValue] = {
        "inputs": dict(request.inputs),
        "response_mode": "streaming",
        "user": USER,
    }
    if request.files:
        body["files"] = [*request.files]
    if request.is_chat:
        return http.stream("POST", "/v1/chat-messages", json=body | {"query": request.query})
    return http.stream("POST", "/v1/workflows/run", json=body)


def _events(lines: Iterable[str], position: _Position) -> Generator[RunEvent]:
    for line in lines:
        name, _, value = line.partition(":")
        if name == "id":
            position.last_event_id = value.strip()
        elif name == "data":
            event = _parsed(value)
            position.run_id = event.workflow_run_id or position.run_id
            position.ended = position.ended or event.event in _LAST
            yield event


def _parsed(text: str) -> RunEvent:
    try:
        return RunEvent.model_validate_json(text)
    except ValidationError as error:
        raise CommandFailed(f"The platform sent an event that is none: {text[:200]}") from error
