"""From the journal to what the world sees."""

from libs.common.contracts import run_events as public
from libs.common.contracts.workflows import WorkflowDefinition
from libs.common.identifiers import uuid7
from services.engine.domain.events import journal
from services.engine.domain.execution.public_events import PublicView
from services.engine.domain.graph.node_labels import NodeLabel, node_labels

LABELS = {"n": NodeLabel(type="llm", title="Think")}


def _started(at: float = 1.0) -> journal.NodeStarted:
    return journal.NodeStarted(at=at, node_id="n", frame="", index=2, predecessor="start")


def _text(offset: int, text: str) -> journal.TextCommitted:
    return journal.TextCommitted(
        at=1.0, from_offset=offset, text=text, node_id="n", selector=["n", "text"]
    )


def _seen(*events: journal.JournalEvent) -> tuple[PublicView, list[public.CommittedEvent]]:
    view = PublicView(uuid7(), LABELS)
    made = [view.map(seq, event) for seq, event in enumerate(events, 1)]
    return view, [event for event in made if event is not None]


def test_internal_entries_leave_gaps_that_prev_explains() -> None:
    dispatched = journal.EffectDispatched(
        at=1.0, key="k", node_id="n", frame="", attempt=0, call=0, effect_class="model",
        request_hash="h",
    )  # fmt: skip
    view, seen = _seen(_started(), dispatched, _text(0, "a"))
    assert [(event.seq, event.prev) for event in seen] == [(1, 0), (3, 1)]
    assert view.last_seq == 3


def test_a_retry_and_the_end_belong_to_the_start() -> None:
    retry = journal.NodeRetryScheduled(
        at=2.0, node_id="n", frame="", attempt=0, due=5.0, error="no", error_type="E", inputs={},
        started_at=1.0,
    )  # fmt: skip
    failed = journal.NodeFailed(
        at=6.0, node_id="n", frame="", error="no", error_type="E", handled="fail-branch",
        outputs={}, handle="fail-branch", inputs={}, process_data={}, metadata={}, started_at=1.0,
    )  # fmt: skip
    _, (started, retrying, finished) = _seen(_started(), retry, failed)
    assert isinstance(started, public.NodeStarted)
    assert isinstance(retrying, public.NodeRetrying)
    assert isinstance(finished, public.NodeFinished)
    assert started.execution_id == retrying.execution_id == finished.execution_id
    assert (retrying.retry_index, retrying.wait_seconds) == (1, 3.0)
    assert (finished.status, finished.index, finished.predecessor_node_id) == (
        "exception",
        2,
        "start",
    )
    assert (finished.title, finished.elapsed_seconds) == ("Think", 5.0)


def test_withdrawn_text_counts_no_longer() -> None:
    replaced = journal.TextReplaced(at=1.0, from_offset=2)
    view, seen = _seen(_text(0, "ab"), _text(2, "cd€"), replaced, _text(2, "x"))
    assert view.text == "abx"
    assert [event.offset for event in seen] == [2, 5, 2, 3]


def test_labels_pass_over_whatever_is_no_node() -> None:
    definition = WorkflowDefinition(
        mode="workflow",
        graph={"nodes": [None, {"id": 3}, {"id": "n", "data": {"type": "llm", "title": "Think"}}]},
    )
    assert node_labels(definition) == LABELS
    assert node_labels(WorkflowDefinition(mode="workflow", graph={})) == {}
