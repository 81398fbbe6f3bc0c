"""Values as text: one way for prompts, requests and conditions, another for what people read."""

import json

from services.engine.domain.variables.files import file_markdown, is_file
from services.engine.domain.variables.values import Value


def render_text(value: Value) -> str:
    """`value` inside a prompt, an HTTP request or a condition.

    Objects and lists of strings are compact JSON, other lists Python's notation; null, files and an
    empty list are nothing; booleans are True and False.
    """
    if isinstance(value, str):
        return value
    if value is None or is_file(value):
        return ""
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        if all(is_file(item) for item in value):
            return ""
        if all(isinstance(item, str) for item in value):
            return json.dumps(value, ensure_ascii=False)
    return str(value)


def render_markdown(value: Value) -> str:
    """`value` inside an answer: objects as indented JSON, lists as lines, files as links."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if is_file(value):
        return file_markdown(value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, indent=2)
    if isinstance(value, list):
        files = [item for item in value if is_file(item)]
        if files and len(files) == len(value):
            return "\n".join(map(file_markdown, files))
        return "\n".join(f"- {item}" for item in value)
    return str(value)
