"""Files as values: objects with a mark, so that they travel as JSON like everything else.

A file as a client sends it has no mark; it says of what kind it is and how it is transferred.
"""

from typing import TypeGuard
from urllib.parse import urlsplit

from services.engine.domain.variables.values import Value

FILE_MARK = ("dify_model_identity", "__dify__file__")
"""The key and the value that tell a file from any other object; imported graphs know them."""
UNKNOWN_SIZE = -1

_KINDS = frozenset({"image", "document", "audio", "video", "custom"})
_METHODS = frozenset({"remote_url", "local_file", "tool_file", "datasource_file"})
_KEYS = {
    "name": ("filename",),
    "type": ("type",),
    "extension": ("extension",),
    "mime_type": ("mime_type",),
    "transfer_method": ("transfer_method",),
    "url": ("remote_url",),
    "related_id": ("related_id", "upload_file_id"),
}
TEXT_ATTRIBUTES = frozenset(_KEYS)
"""What `file_text` can tell. `url` is empty for a file that was uploaded."""
FILE_ATTRIBUTES = TEXT_ATTRIBUTES | {"size"}
"""What every file can be asked for."""
FILE_PARTS = FILE_ATTRIBUTES | {key for keys in _KEYS.values() for key in keys}
"""What a file may have, the spellings of its attributes included."""


def is_file(value: Value) -> TypeGuard[dict[str, Value]]:
    """Whether `value` is a file, marked or as a client sends it."""
    if not isinstance(value, dict):
        return False
    key, mark = FILE_MARK
    sent = _text(value, "type") in _KINDS and _text(value, "transfer_method") in _METHODS
    return value.get(key) == mark or sent


def file_text(file: dict[str, Value], attribute: str) -> str:
    """One of TEXT_ATTRIBUTES, empty where the file does not say. A name that is not given is the
    last part of the web address, an extension (with its dot) that of the name."""
    given = next(filter(None, (_text(file, key) for key in _KEYS[attribute])), "")
    if given:
        return given
    match attribute:
        case "url" if _text(file, "transfer_method") == "remote_url":
            return _text(file, "url")
        case "name":
            return _last_part(file_text(file, "url"))
        case "extension":
            _, dot, extension = file_text(file, "name").rpartition(".")
            return dot + extension if dot else ""
        case _:
            return ""


def file_size(file: dict[str, Value]) -> int:
    """In bytes; UNKNOWN_SIZE where the file does not say."""
    size = file.get("size")
    return size if isinstance(size, int) and not isinstance(size, bool) else UNKNOWN_SIZE


def file_attribute(file: dict[str, Value], attribute: str) -> str | int:
    """One of FILE_ATTRIBUTES."""
    return file_size(file) if attribute == "size" else file_text(file, attribute)


def file_markdown(file: dict[str, Value]) -> str:
    """A link for people, an image shown as one."""
    address = file_text(file, "url") or _text(file, "url")
    name = file_text(file, "name")
    if file_text(file, "type") == "image":
        return f"![{name}]({address})"
    return f"[{name or address}]({address})"


def _text(file: dict[str, Value], key: str) -> str:
    value = file.get(key)
    return value if isinstance(value, str) else ""


def _last_part(address: str) -> str:
    try:
        return urlsplit(address).path.rpartition("/")[2]
    except ValueError:
        return ""
