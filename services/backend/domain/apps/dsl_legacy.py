"""Shapes of old exports, rewritten to today's. What is today's already stays as it is."""

from pydantic import JsonValue

from libs.common.contracts.workflows import WorkflowDefinition
from services.backend.domain.apps.json_reading import as_list, as_mapping


def modernised(definition: WorkflowDefinition) -> WorkflowDefinition:
    """`definition` with old node and feature shapes rewritten."""
    nodes: list[JsonValue] = [_node(node) for node in as_list(definition.graph.get("nodes"))]
    edges = as_list(definition.graph.get("edges"))
    graph: dict[str, JsonValue] = {**definition.graph, "nodes": nodes, "edges": edges}
    features = _features(definition.features)
    return definition.model_copy(update={"graph": graph, "features": features})


def _node(node: JsonValue) -> JsonValue:
    if not isinstance(node, dict) or not isinstance(node.get("data"), dict):
        return node
    data = as_mapping(node["data"])
    kind = data.get("type")
    rewrite = _REWRITES.get(kind) if isinstance(kind, str) else None
    return node if rewrite is None else {**node, "data": rewrite(data)}


def _aggregator(data: dict[str, JsonValue]) -> dict[str, JsonValue]:
    # The aggregator's first name; today's assigner is another node.
    return {**data, "type": "variable-aggregator"}


def _if_else(data: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if data.get("cases") or not isinstance(data.get("conditions"), list):
        return data
    case: dict[str, JsonValue] = {
        "case_id": "true",
        "logical_operator": data.get("logical_operator") or "and",
        "conditions": data["conditions"],
    }
    return {**data, "cases": [case]}


def _http_request(data: dict[str, JsonValue]) -> dict[str, JsonValue]:
    body = data.get("body")
    if not isinstance(body, dict) or not isinstance(body.get("data"), str):
        return data
    text = body["data"]
    items: list[JsonValue] = [{"type": "text", "key": "", "value": text}] if text else []
    return {**data, "body": {**body, "data": items}}


def _llm(data: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if "structured_output_enabled" not in data or "structured_output_switch_on" in data:
        return data
    return {**data, "structured_output_switch_on": data["structured_output_enabled"]}


_REWRITES = {
    "variable-assigner": _aggregator,
    "if-else": _if_else,
    "http-request": _http_request,
    "llm": _llm,
}


def _features(features: dict[str, JsonValue]) -> dict[str, JsonValue]:
    upload = as_mapping(features.get("file_upload"))
    image = as_mapping(upload.get("image"))
    if not image.get("enabled"):
        return features
    kept = {key: value for key, value in upload.items() if key != "image"}
    modern: dict[str, JsonValue] = {
        "allowed_file_types": ["image"],
        "allowed_file_extensions": [],
        **kept,
        "enabled": True,
        "number_limits": image.get("number_limits", 3),
        "allowed_file_upload_methods": image.get("transfer_methods", ["remote_url", "local_file"]),
    }
    return {**features, "file_upload": modern}
