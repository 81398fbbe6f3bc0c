"""What one client saw of one run, checked event by event as a careful client would."""

from dataclasses import dataclass, field
from typing import Any

from tests.chaos.slow_upstream import WORD

_TEXT = frozenset({"message", "text_chunk"})
_REPLACED = frozenset({"message_replace", "text_replace"})


@dataclass(slots=True)
class Story:
    """Fed with every event of every connection of one client, in order.

    `last_id` is what the client would send as Last-Event-ID. Adding an event that repeats, leaves
    a gap or glues two generations together raises AssertionError.
    """

    run_id: str = ""
    last_id: str = ""
    text: str = ""
    happened: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    replacements: int = 0
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])
    status: str = ""
    form_token: str = ""
    _known: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    @property
    def waits(self) -> bool:
        """Whether the run has paused, and did not go on."""
        return bool(self.happened) and self.happened[-1][0] == "workflow_paused"

    @property
    def is_over(self) -> bool:
        """Whether the run's last event came."""
        return self.status != ""

    def add(self, event_id: str, body: dict[str, Any]) -> None:
        kind = str(body["event"])
        assert kind != "error", body
        self.run_id = self.run_id or str(body["workflow_run_id"])
        assert body["workflow_run_id"] == self.run_id
        assert event_id, f"{kind} came without an id"
        before = _numbers(self.last_id) if self.last_id else (0, 0)
        now = _numbers(event_id)
        assert now > before, f"{event_id} ({kind}) after {self.last_id}: a repeat"
        self.last_id = event_id
        if kind in _TEXT:
            self._grow(body["answer"] if kind == "message" else body["data"]["text"], now[1])
        elif kind in _REPLACED:
            text = body["answer"] if kind == "message_replace" else body["data"]["text"]
            self._replace(text, now[1])
        else:
            self._happen(kind, body)

    def _grow(self, more: str, offset: int) -> None:
        assert offset == len(self.text) + len(more), (
            f"text to {offset} with {len(more)} more after {len(self.text)}: a gap or a repeat"
        )
        self.text += more
        check_unspliced(self.text)

    def _replace(self, text: str, offset: int) -> None:
        assert offset == len(text), f"replaced by {len(text)} characters at {offset}"
        self.replacements += 1
        self.text = text
        check_unspliced(self.text)

    def _happen(self, kind: str, body: dict[str, Any]) -> None:
        data: dict[str, Any] = body.get("data") or {}
        place = str(data.get("id") or data.get("node_id", ""))
        step = (kind, f"{place} {data.get('index', '')} {data.get('reason', '')}")
        assert step not in self._known, f"{step} happened twice"
        self._known.add(step)
        self.happened.append(step)
        if kind == "human_input_required":
            self.form_token = str(data["form_token"])
        if kind == "workflow_finished":
            self.status = str(data["status"])
            self.outputs = dict(data["outputs"] or {})


def check_unspliced(text: str) -> None:
    """Every word of one kind must come from one call, in order and without a hole."""
    calls: dict[str, str] = {}
    places: dict[str, int] = {}
    for kind, place, call in WORD.findall(text):
        assert calls.setdefault(kind, call) == call, f"two generations in {text!r}"
        assert int(place) == places.get(kind, 0), f"{kind}{place} out of place in {text!r}"
        places[kind] = int(place) + 1


def _numbers(event_id: str) -> tuple[int, int]:
    seq, _, offset = event_id.partition(".")
    return int(seq), int(offset)
