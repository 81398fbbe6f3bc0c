"""What the outside world knows of a run, and what therefore its outcome must be."""

from dataclasses import dataclass

from tests.chaos.clients import Client
from tests.chaos.counted_web import CountedWeb, body_of
from tests.chaos.graphs import ITEMS, MODEL_NODES, UNKNOWN, Kind, prompts_of
from tests.chaos.rows import CallRow
from tests.chaos.slow_upstream import SlowUpstream, answer_of
from tests.chaos.story import Story, check_unspliced

_REQUESTS = frozenset({"fetch", "book", "order", "item"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstreams:
    """Both count what they are asked."""

    models: SlowUpstream
    web: CountedWeb

    def asked(self, client: Client, call: CallRow) -> int | None:
        """How often the world was asked what a keyed call of this client's run asks; None where a
        call reaches nobody."""
        _, _, node, frame, *_ = call.key.split("/")
        if call.service == "inference":
            prompts = prompts_of(client.app.kind, client.job)
            return self.models.calls[prompts[MODEL_NODES[client.app.kind].index(node)]]
        if node not in _REQUESTS:
            return None
        place = "" if frame == "-" else f"/{frame.rpartition(':')[2]}"
        return self.web.asked[f"{node}/{client.job}{place}"]


def check_outcome(client: Client, whole: Story, upstreams: Upstreams) -> None:
    """The run's outputs and its visible text are what the world said. Raises AssertionError."""
    outputs, job = whole.outputs, client.job
    unsure = outputs.get("book") == UNKNOWN
    assert whole.status == ("partial-succeeded" if unsure else "succeeded"), whole.status
    match client.app.kind:
        case "chat" | "flow" as kind:
            _check_models(kind, job, whole, upstreams.models)
        case "web":
            assert outputs["made"] == f"made {job}"
            assert outputs["length"] == len(f"made {job}")
            assert outputs["fetch"] == body_of(f"fetch/{job}")
            assert outputs["order"] == body_of(f"order/{job}")
            assert len(upstreams.web.keys[f"order/{job}"]) == 1, "one order under two keys"
            _check_booked(outputs["book"], job, upstreams.web)
        case "items":
            assert outputs["items"] == [body_of(f"item/{job}/{n}") for n in range(ITEMS)]
        case "ask":
            _check_answered(client, whole)
            _check_booked(outputs["book"], job, upstreams.web)


def _check_booked(told: str, job: str, web: CountedWeb) -> None:
    name = f"book/{job}"
    if told == UNKNOWN:
        assert web.asked[name] <= 1, f"{name} was asked twice"
    else:
        assert (told, web.asked[name]) == (body_of(name), 1)


def _check_answered(client: Client, whole: Story) -> None:
    """One of two people's answers stands, and nobody was told that the other one does."""
    action = whole.outputs["action"]
    assert whole.outputs["why"] == f"says {action}"
    for each in client.answered:
        if each.action == action:
            assert each.status == 200 or each.unsure, f"{each} stands and was refused"
        else:
            assert each.status == 412, f"{each} was taken, and {action} stands"


def _check_models(kind: Kind, job: str, whole: Story, models: SlowUpstream) -> None:
    """Each answer is one whole call's, and the text shows both in order."""
    text, outputs = whole.text, whole.outputs
    check_unspliced(text)
    shown: list[str] = []
    for prompt in prompts_of(kind, job):
        said = [answer_of(prompt, call) for call in range(1, models.calls[prompt] + 1)]
        complete = [answer for answer in said if answer in text]
        assert len(complete) == 1, f"{text!r} holds none of {said}"
        shown += complete
    if kind == "chat":
        assert text == outputs["answer"] == f"One {shown[0]} two {shown[1]} end."
    else:
        assert [outputs["left"], outputs["right"]] == shown
