"""The knowledge put at `{{#context#}}`."""

from services.engine.domain.node_parts.node_contract import NodeFailure
from services.engine.domain.variables.values import Missing, Value


def context_text(value: Value | Missing) -> str:
    """Text as it is; of a list, each item's summary and content on lines of their own.

    Raises NodeFailure for an item without content.
    """
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return ""
    pieces: list[str] = []
    for item in value:
        if isinstance(item, str):
            pieces.append(item + "\n")
            continue
        if not isinstance(item, dict) or "content" not in item:
            raise NodeFailure(
                f"Invalid context structure: {item}", error_type="InvalidContextStructureError"
            )
        summary = item.get("summary")
        if summary:
            pieces.append(f"{summary}\n")
        pieces.append(f"{item['content']}\n")
    return "".join(pieces).strip()
