"""A benchmark notices what its reader missed, and which bounds do not hold."""

from uuid import uuid4

from benchmarks.engine.audit import SeenRun
from benchmarks.measured_row import MeasuredRow
from benchmarks.report import failure
from libs.common.contracts.run_events import NodeFinished, NodeStarted, RunFinished, RunStarted

_ID = uuid4()


def _started(seq: int, prev: int) -> NodeStarted:
    return NodeStarted(
        seq=seq, prev=prev, at=0, execution_id=_ID, node_id="n", node_type="t", title="", index=1
    )


def _run(*, drop: int | None = None) -> SeenRun:
    events = [
        RunStarted(seq=1, prev=0, at=0, workflow_hash="h", inputs={}),
        _started(2, 1),
        NodeFinished(
            seq=4, prev=2, at=0, execution_id=_ID, node_id="n", node_type="t", title="", index=1,
            status="succeeded", started_at=0, elapsed_seconds=0,
        ),
        RunFinished(
            seq=5, prev=4, at=0, status="succeeded", elapsed_seconds=0, total_tokens=0,
            total_steps=1, created_at=0,
        ),
    ]  # fmt: skip
    seen = SeenRun()
    for event in events:
        if event.seq != drop:
            seen.take(event)
    return seen


def test_a_whole_run_is_no_complaint() -> None:
    assert _run().complaint(nodes=1) is None


def test_whatever_is_missing_is_a_complaint() -> None:
    assert all(_run(drop=seq).complaint(nodes=1) for seq in (1, 2, 4, 5))
    assert _run().complaint(nodes=2)


def test_a_bound_is_a_multiple_of_the_floor() -> None:
    row = MeasuredRow(benchmark="b", row="r", unit="ms", heddle=8.0, floor=2.0, bound=3.0)
    assert failure(row, 1.0) == "r: 8 ms is 4.00 x its floor, the bound is 3 (tolerance 1)"
    assert failure(row, 1.5) is None
