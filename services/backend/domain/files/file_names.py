"""What clients call their files, made safe to keep and to show."""

import re
import unicodedata
from mimetypes import MimeTypes

_LONGEST = 200
_LONGEST_EXTENSION = 20
_SEPARATORS = re.compile(r"[/\\]")
_MIME = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
# Of Python's own table: what a machine has installed must not decide.
_KNOWN = MimeTypes(filenames=())


def safe_name(given: str) -> str:
    """The last part of a path, without what is invisible or turns text around, of at most 200
    characters; its extension stays. "" where nothing is left."""
    last = _SEPARATORS.split(given)[-1]
    visible = "".join(each for each in last if not unicodedata.category(each).startswith("C"))
    name = visible.strip() if visible.strip(". ") else ""
    if len(name) <= _LONGEST:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > _LONGEST_EXTENSION:
        return name[:_LONGEST]
    return f"{stem[: _LONGEST - len(extension) - 1]}.{extension}"


def extension_of(name: str) -> str:
    """In small letters and without the dot; "" where there is none."""
    _, dot, extension = name.rpartition(".")
    return extension.lower() if dot and len(extension) <= _LONGEST_EXTENSION else ""


def mime_type_of(name: str, said: str) -> str:
    """What the client `said`, if that is a MIME type, else what `name` tells; "" for neither."""
    claimed = said.partition(";")[0].strip().lower()
    if _MIME.fullmatch(claimed):
        return claimed
    return _KNOWN.guess_type(f"file.{extension_of(name)}")[0] or ""
