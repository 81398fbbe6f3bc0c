"""Two traces side by side."""

from typing import Any
from uuid import UUID

from libs.common.contracts.run_queries import NodeTrace
from services.backend.domain.runs.run_diff import node_diffs


def node(name: str, frame: str = "", **more: Any) -> NodeTrace:
    told: dict[str, Any] = {
        "execution_id": UUID(int=1),
        "node_id": name,
        "node_type": "t",
        "title": name,
        "index": 1,
        "frame_path": frame,
        "status": "succeeded",
        "started_at": 0.0,
    }
    return NodeTrace.model_validate(told | more)


def test_nodes_of_both_runs_are_compared_and_the_others_keep_their_place() -> None:
    left = [node("a"), node("b", outputs={"x": 1}), node("it"), node("m", "it:0"), node("z")]
    right = [node("a"), node("n"), node("b", outputs={"x": 2}), node("it"), node("m", "it:1")]
    diffs = [*node_diffs(left, right)]
    assert [(each.shown.node_id, each.shown.frame_path, each.only_in) for each in diffs] == [
        ("a", "", None),
        ("n", "", "right"),
        ("b", "", None),
        ("it", "", None),
        ("m", "it:1", "right"),
        ("m", "it:0", "left"),
        ("z", "", "left"),
    ]
    assert [each.same for each in diffs] == [True, False, False, True, False, False, False]
    (change,) = diffs[2].changes.found
    assert (change.pointer, change.left, change.right) == ("/outputs/x", "1", "2")


def test_time_does_not_count_but_status_and_error_do() -> None:
    slow, quick = node("a", elapsed_seconds=9.0), node("a", elapsed_seconds=1.0)
    failed = node("a", status="failed", error="no")
    assert [each.same for each in node_diffs([slow], [quick])] == [True]
    assert [each.same for each in node_diffs([slow], [failed])] == [False]


def test_the_runs_own_id_is_no_difference() -> None:
    both = [node("start", outputs={"sys.workflow_run_id": str(n), "x": 1}) for n in range(2)]
    assert [each.same for each in node_diffs(both[:1], both[1:])] == [True]


def test_what_comes_first_in_the_right_run_alone_comes_first() -> None:
    diffs = node_diffs([node("a")], [node("n"), node("a")])
    assert [each.shown.node_id for each in diffs] == ["n", "a"]
