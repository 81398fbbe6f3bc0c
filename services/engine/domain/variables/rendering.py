"""Values as text: one way for prompts, requests and conditions, another for what people read."""

import json

from services.engine.domain.variables.values import Value


def render_text(value: Value) -> str:
    """`value` inside a prompt, an HTTP request or a condition.

    Objects and lists of strings are compact JSON, other lists Python's notation; null and an empty
    list are nothing; booleans are True and False.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        if not value:
            return ""
        if all(isinstance(item, str) for item in value):
            return json.dumps(value, ensure_ascii=False)
    return str(value)


def render_markdown(value: Value) -> str:
    """`value` inside an answer: objects as indented JSON, lists as `- item` lines."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, indent=2)
    if isinstance(value, list):
        return "\n".join(f"- {item}" for item in value)
    return str(value)
