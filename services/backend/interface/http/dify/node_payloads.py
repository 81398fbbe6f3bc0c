"""The `data` of node events."""

from collections.abc import Mapping

from pydantic import JsonValue

from libs.common.contracts.run_events import NodeFinished, NodeRetrying, NodeStarted

Data = dict[str, JsonValue]


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
        "iteration_id": None,
        "loop_id": None,
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
        "execution_metadata": _execution_metadata(event.metadata),
        "created_at": int(event.started_at),
        "finished_at": int(event.at),
        "files": [],
        "iteration_id": None,
        "loop_id": None,
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
        "execution_metadata": _execution_metadata({}),
        "created_at": int(event.started_at),
        "finished_at": int(event.at),
        "files": [],
        "iteration_id": None,
        "loop_id": None,
        "retry_index": event.retry_index,
    }


def _execution_metadata(metadata: Mapping[str, JsonValue]) -> Data:
    return {"total_tokens": 0, "total_price": "0", "currency": "USD", **metadata}
