"""Files as values: objects that carry a mark, so that they travel as JSON like everything else."""

from typing import TypeGuard

from services.engine.domain.variables.values import Value

FILE_MARK = ("dify_model_identity", "__dify__file__")
"""The key and the value that tell a file from any other object; imported graphs know them."""
UNKNOWN_SIZE = -1

_TEXTS = {
    "name": "filename",
    "type": "type",
    "extension": "extension",
    "mime_type": "mime_type",
    "transfer_method": "transfer_method",
    "url": "remote_url",
    "related_id": "related_id",
}
TEXT_ATTRIBUTES = frozenset(_TEXTS)
"""What `file_text` can tell. `url` is empty for a file that was uploaded."""


def is_file(value: Value) -> TypeGuard[dict[str, Value]]:
    """Whether `value` is a file."""
    key, mark = FILE_MARK
    return isinstance(value, dict) and value.get(key) == mark


def file_text(file: dict[str, Value], attribute: str) -> str:
    """One of TEXT_ATTRIBUTES, empty where the file does not say."""
    value = file.get(_TEXTS[attribute])
    return value if isinstance(value, str) else ""


def file_size(file: dict[str, Value]) -> int:
    """In bytes; UNKNOWN_SIZE where the file does not say."""
    size = file.get("size")
    return size if isinstance(size, int) and not isinstance(size, bool) else UNKNOWN_SIZE
