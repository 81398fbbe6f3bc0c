"""What every object store raises where nothing stands, and which keys it takes."""

import re

from libs.common.errors import InvalidInput, NotFound

_PART = re.compile(r"[A-Za-z0-9._-]+")
_LONGEST_KEY = 900
_LONGEST_PART = 200


class ObjectMissing(NotFound):
    """No object has this key: it was never stored, or was collected."""

    code = "object_missing"
    title = "No such object"


def missing(key: str) -> ObjectMissing:
    return ObjectMissing(f"No object has the key {key}.")


def checked_key(key: str) -> str:
    """`key` itself. Raises InvalidInput for anything but a relative path of plain parts."""
    parts = key.split("/")
    if len(key) > _LONGEST_KEY or not all(_is_plain(part) for part in parts):
        raise InvalidInput("An object's key is a relative path of letters, digits, '.', '_', '-'.")
    return key


def checked_prefix(prefix: str) -> str:
    """`prefix` itself, which may end anywhere inside a key. Raises InvalidInput."""
    if prefix:
        folder, _, rest = prefix.rpartition("/")
        checked_key("/".join(part for part in (folder, rest or "a") if part))
        if prefix.startswith("/"):
            raise InvalidInput("An object's key is relative.")
    return prefix


def _is_plain(part: str) -> bool:
    # A part of dots alone would name another folder.
    return (
        len(part) <= _LONGEST_PART and _PART.fullmatch(part) is not None and part.strip(".") != ""
    )
