"""What a start node declares, and the form that clients draw from it."""

from pydantic import JsonValue

from libs.common.contracts.workflows import WorkflowDefinition
from services.backend.domain.apps.json_reading import as_list, as_mapping, as_text


def start_variables(definition: WorkflowDefinition) -> tuple[dict[str, JsonValue], ...]:
    """The variables of the first start node, in their order."""
    for node in as_list(definition.graph.get("nodes")):
        data = as_mapping(as_mapping(node).get("data"))
        if data.get("type") == "start":
            return tuple(v for v in as_list(data.get("variables")) if isinstance(v, dict))
    return ()


def user_input_form(definition: WorkflowDefinition) -> list[JsonValue]:
    """The same as a list of `{"<type>": {...}}`, the shape that clients of the form read."""
    return [_item(variable) for variable in start_variables(definition)]


def _item(variable: dict[str, JsonValue]) -> JsonValue:
    kind = as_text(variable.get("type")) or "text-input"
    fields = {key: value for key, value in variable.items() if key != "type"}
    shown: dict[str, JsonValue] = {
        "label": variable.get("variable"),
        "required": False,
        "default": None,
        "max_length": None,
        "options": [],
        "hide": False,
        **fields,
    }
    return {kind: shown}
