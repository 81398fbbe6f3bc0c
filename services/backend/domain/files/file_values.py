"""Files as runs have them, made of what callers write.

The mark and the keys are those that imported workflows know. The bytes of an uploaded file are
found by `object_key`, which no caller can name: it is written here alone, for a file of its owner.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Literal, cast
from urllib.parse import unquote, urlsplit
from uuid import UUID

from pydantic import JsonValue

from services.backend.domain.files.file_kinds import FileKind, kind_of
from services.backend.domain.files.file_names import extension_of, mime_type_of, safe_name
from services.backend.domain.files.file_rules import FileRules
from services.backend.domain.files.records import UploadedFile

FileValue = dict[str, JsonValue]
Method = Literal["local_file", "remote_url"]
OBJECT_KEY = "object_key"
_MARK: FileValue = {"dify_model_identity": "__dify__file__", "id": None}
_KINDS = frozenset({"image", "document", "audio", "video", "custom"})
_LONGEST_URL = 8192
_UNKNOWN_SIZE = -1


class FileRefused(ValueError):
    """The file cannot be taken; the message says why, without naming its place."""


def upload_named(given: JsonValue) -> UUID | None:
    """The upload that a caller's file names; None for one from the web. Raises FileRefused."""
    if not isinstance(given, dict):
        raise FileRefused("a file is an object with type and transfer_method.")
    if _method(given) == "remote_url":
        return None
    said = _text(given, "upload_file_id", "related_id")
    try:
        return UUID(said)
    except ValueError:
        raise FileRefused("Invalid upload file id format.") from None


def file_value(
    given: Mapping[str, JsonValue],
    rules: FileRules,
    uploads: Mapping[UUID, UploadedFile],
    link: Callable[[UUID], str],
) -> FileValue:
    """What the run gets of a caller's file. `uploads` are those that its user may name, `link`
    makes an address for one. Raises FileRefused."""
    if _method(given) == "remote_url":
        return _remote(given, rules)
    file_id = upload_named(dict(given))
    upload = uploads.get(file_id) if file_id is not None else None
    if upload is None:
        raise FileRefused("Invalid upload file.")
    kind = _kind(given, upload.extension, upload.mime_type)
    _check(rules, kind, upload.extension, "local_file", upload.name)
    return {
        **_MARK,
        "type": kind,
        "transfer_method": "local_file",
        "remote_url": None,
        "related_id": str(upload.file_id),
        "filename": upload.name,
        "extension": _dotted(upload.extension),
        "mime_type": upload.mime_type,
        "size": upload.size,
        "url": link(upload.file_id),
        OBJECT_KEY: upload.object_key,
    }


def stored_uploads(value: JsonValue) -> Iterator[UUID]:
    """The uploads that file values in `value` name, however deep."""
    for each in _objects(value):
        if each.get("transfer_method") == "local_file" and OBJECT_KEY in each:
            with suppress(ValueError):
                yield UUID(_text(each, "related_id"))


def names_objects(value: JsonValue) -> bool:
    """Whether a caller's value names an object of the store."""
    return any(OBJECT_KEY in each for each in _objects(value))


def _objects(value: JsonValue) -> Iterator[FileValue]:
    pending: list[JsonValue] = [value]
    while pending:
        match pending.pop():
            case dict() as each:
                yield each
                pending.extend(part for part in each.values() if isinstance(part, dict | list))
            case list() as each:
                pending.extend(part for part in each if isinstance(part, dict | list))
            case _:
                pass


def _remote(given: Mapping[str, JsonValue], rules: FileRules) -> FileValue:
    url = _text(given, "url", "remote_url")
    last = _last_part(url)
    name = safe_name(_text(given, "filename", "name") or last)
    extension = extension_of(name)
    mime_type = mime_type_of(name, _text(given, "mime_type"))
    kind = _kind(given, extension, mime_type)
    _check(rules, kind, extension, "remote_url", name or url)
    size = given.get("size")
    return {
        **_MARK,
        "type": kind,
        "transfer_method": "remote_url",
        "remote_url": url,
        "related_id": None,
        "filename": name,
        "extension": _dotted(extension),
        "mime_type": mime_type,
        "size": size if isinstance(size, int) and not isinstance(size, bool) else _UNKNOWN_SIZE,
        "url": url,
    }


def _method(given: Mapping[str, JsonValue]) -> Method:
    match given.get("transfer_method"):
        case "local_file" as method:
            return method
        case "remote_url" as method:
            return method
        case _:
            raise FileRefused("transfer_method must be local_file or remote_url.")


def _kind(given: Mapping[str, JsonValue], extension: str, mime_type: str) -> FileKind:
    found, said = kind_of(extension, mime_type), given.get("type")
    if said is None or said == found:
        return found
    if said not in _KINDS:
        raise FileRefused(f"type must be one of {', '.join(sorted(_KINDS))}.")
    # What nobody recognises may be what the caller says it is.
    if said == "custom" or (found == "custom" and (said == "document" or not mime_type)):
        return cast("FileKind", said)
    raise FileRefused(
        "Detected file type does not match the specified type. Please verify the file. "
        f"(It looks like {found}, not {said}.)"
    )


def _check(rules: FileRules, kind: FileKind, extension: str, method: Method, name: str) -> None:
    objection = rules.objection(kind, extension, method)
    if objection is not None:
        raise FileRefused(f"File validation failed for file: {name}: {objection}.")


def _last_part(url: str) -> str:
    """Of its path. Raises FileRefused for what is no address of the web."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise FileRefused("url is no address.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or len(url) > _LONGEST_URL:
        raise FileRefused("url must be an http(s) address of at most 8192 characters.")
    return unquote(parts.path.rpartition("/")[2])


def _dotted(extension: str) -> str:
    return f".{extension}" if extension else ""


def _text(given: Mapping[str, JsonValue], *names: str) -> str:
    values = (given.get(name) for name in names)
    return next((value for value in values if isinstance(value, str) and value), "")
