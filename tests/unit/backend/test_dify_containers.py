"""Iterations and loops on Dify's wire, which has events of its own for them."""

from typing import Any
from uuid import UUID

from libs.common.contracts.run_events import (
    ContainerStarted,
    NodeFinished,
    NodeStarted,
    RoundStarted,
)
from services.backend.interface.http.dify.node_payloads import (
    container_finished_data,
    container_started_data,
    is_container,
    node_finished_data,
    node_started_data,
    round_started_data,
)

PLACE: dict[str, Any] = {
    "seq": 5,
    "prev": 4,
    "at": 12.5,
    "execution_id": UUID("00000000-0000-7000-8000-000000000003"),
    "node_id": "each",
    "node_type": "iteration",
    "title": "Each",
    "index": 3,
}
INSIDE: dict[str, Any] = PLACE | {
    "node_id": "ask",
    "node_type": "llm",
    "frame_path": "each:2",
    "iteration_id": "each",
    "iteration_index": 2,
}
ENDED: dict[str, Any] = {"status": "succeeded", "started_at": 10.5, "elapsed_seconds": 2.0}


def test_a_container_tells_its_length_and_what_it_goes_over() -> None:
    started = ContainerStarted(
        kind="iteration_started", length=2, inputs={"iterator_selector": [1, 2]}, **PLACE
    )
    data = container_started_data(started)
    assert data["id"] == data["node_id"] == "each"
    assert data["metadata"] == {"iteration_length": 2}
    assert data["inputs"] == {"iterator_selector": [1, 2]}


def test_a_round_tells_its_index() -> None:
    data = round_started_data(RoundStarted(kind="iteration_next", round=1, **PLACE))
    assert (data["index"], "pre_loop_output" in data) == (1, False)
    looped: dict[str, Any] = PLACE | {"node_type": "loop"}
    assert (
        round_started_data(RoundStarted(kind="loop_next", round=1, **looped))["pre_loop_output"]
        == {}
    )


def test_a_containers_end_has_steps_and_never_an_error() -> None:
    failed: dict[str, Any] = ENDED | {
        "status": "failed",
        "error": "refused",
        "metadata": {"total_tokens": 7},
    }
    ended = NodeFinished(rounds=2, outputs={"output": [1]}, **PLACE, **failed)
    data = container_finished_data(ended)
    assert is_container(ended)
    assert (data["steps"], data["status"], data["error"]) == (2, "failed", None)
    assert data["total_tokens"] == 7
    assert data["outputs"] == {"output": [1]}


def test_nodes_inside_name_their_container() -> None:
    started = node_started_data(NodeStarted(**INSIDE))
    assert (started["iteration_id"], started["loop_id"]) == ("each", None)
    ended = node_finished_data(NodeFinished(**INSIDE, **ENDED))
    assert ended["iteration_id"] == "each"
    metadata = ended["execution_metadata"]
    assert isinstance(metadata, dict)
    assert (metadata["iteration_id"], metadata["iteration_index"]) == ("each", 2)
    assert "loop_id" not in metadata
