"""The `data` of node events."""

from typing import Final

from pydantic import JsonValue

from libs.common.contracts.run_events import (
    ContainerStarted,
    NodeFinished,
    NodeRetrying,
    NodeStarted,
    RoundStarted,
)
from services.backend.interface.http.dify.output_files import output_files

Data = dict[str, JsonValue]
_CONTAINERS: Final = frozenset({"iteration", "loop"})


def node_started_data(event: NodeStarted) -> Data:
    return {
        "id": str(event.execution_id),
        "node_id": event.node_id,
        "node_type": event.node_type,
        "title": event.title,
        "index": event.index,
        "predecessor_node_id": event.predecessor_node_id,
        "inputs": None,
        "inputs_truncated": False,
        "created_at": int(event.at),
        "extras": {},
        "iteration_id": event.iteration_id,
        "loop_id": event.loop_id,
        "agent_strategy": None,
    }


def node_finished_data(event: NodeFinished) -> Data:
    # A start node holds every variable of the run; its caller is shown what it was given.
    outputs = event.inputs if event.node_type == "start" else event.outputs
    return {
        "id": str(event.execution_id),
        "node_id": event.node_id,
        "node_type": event.node_type,
        "title": event.title,
        "index": event.index,
        "predecessor_node_id": event.predecessor_node_id,
        "inputs": event.inputs,
        "inputs_truncated": False,
        "process_data": event.process_data,
        "process_data_truncated": False,
        "outputs": outputs,
        "outputs_truncated": False,
        "status": event.status,
        "error": event.error,
        "elapsed_time": event.elapsed_seconds,
        "execution_metadata": _execution_metadata(event),
        "created_at": int(event.started_at),
        "finished_at": int(event.at),
        "files": output_files(event.outputs),
        "iteration_id": event.iteration_id,
        "loop_id": event.loop_id,
    }


def node_retry_data(event: NodeRetrying) -> Data:
    return {
        "id": str(event.execution_id),
        "node_id": event.node_id,
        "node_type": event.node_type,
        "title": event.title,
        "index": event.index,
        "predecessor_node_id": None,
        "inputs": event.inputs,
        "inputs_truncated": False,
        "process_data": {},
        "process_data_truncated": False,
        "outputs": {},
        "outputs_truncated": False,
        "status": "retry",
        "error": event.error,
        "elapsed_time": max(event.at - event.started_at, 0.0),
        "execution_metadata": _execution_metadata(event),
        "created_at": int(event.started_at),
        "finished_at": int(event.at),
        "files": [],
        "iteration_id": event.iteration_id,
        "loop_id": event.loop_id,
        "retry_index": event.retry_index,
    }


def _execution_metadata(event: NodeFinished | NodeRetrying) -> Data:
    metadata: Data = {"total_tokens": 0, "total_price": "0", "currency": "USD"}
    if event.iteration_id is not None:
        metadata |= {"iteration_id": event.iteration_id, "iteration_index": event.iteration_index}
    if event.loop_id is not None:
        metadata |= {"loop_id": event.loop_id, "loop_index": event.loop_index}
    return metadata | event.metadata if isinstance(event, NodeFinished) else metadata


def is_container(event: NodeStarted | NodeFinished) -> bool:
    """Whether Dify's wire has events of its own for the node."""
    return event.node_type in _CONTAINERS


def container_started_data(event: ContainerStarted) -> Data:
    return {
        "id": event.node_id,
        "node_id": event.node_id,
        "node_type": event.node_type,
        "title": event.title,
        "created_at": int(event.at),
        "extras": {},
        "metadata": {f"{event.node_type}_length": event.length},
        "inputs": event.inputs,
        "inputs_truncated": False,
    }


def round_started_data(event: RoundStarted) -> Data:
    data: Data = {
        "id": event.node_id,
        "node_id": event.node_id,
        "node_type": event.node_type,
        "title": event.title,
        "index": event.round,
        "created_at": int(event.at),
        "extras": {},
    }
    return data | {"pre_loop_output": {}} if event.kind == "loop_next" else data


def container_finished_data(event: NodeFinished) -> Data:
    metadata = _execution_metadata(event)
    return {
        "id": event.node_id,
        "node_id": event.node_id,
        "node_type": event.node_type,
        "title": event.title,
        "inputs": event.inputs,
        "inputs_truncated": False,
        "outputs": event.outputs,
        "outputs_truncated": False,
        "status": event.status if event.status == "succeeded" else "failed",
        "error": None,
        "elapsed_time": event.elapsed_seconds,
        "total_tokens": metadata["total_tokens"],
        "execution_metadata": metadata,
        "created_at": int(event.started_at),
        "finished_at": int(event.at),
        "extras": {},
        "steps": event.rounds or 0,
    }
