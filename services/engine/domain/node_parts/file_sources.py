"""Where a file variable says that its bytes are."""

from libs.common.contracts.document_text import DocumentCall, FileSource, RemoteFile, StoredFile
from services.engine.domain.variables.files import FILE_MARK, file_text, is_file
from services.engine.domain.variables.values import Value

OBJECT_KEY = "object_key"
"""The key of a file object under which a file that lies in the object store is named."""
_MEDIA = ("image", "audio", "video")
_WEB = ("http://", "https://")


class NotAFile(ValueError):
    """The value is no file, or none whose bytes can be reached."""


def document_call(value: Value) -> DocumentCall:
    """What to ask for the text of the file `value`.

    A file as a client sends it has no mark yet: it says how it is transferred. Raises NotAFile.
    """
    file = _as_file(value)
    filename = _first(file, "filename", "name")
    extension = file_text(file, "extension").lstrip(".")
    if extension and "." not in filename:
        filename = f"{filename}.{extension}"
    return DocumentCall(
        source=file_source(file),
        filename=filename,
        mime_type=file_text(file, "mime_type"),
    )


def file_source(value: Value) -> FileSource:
    """Where the bytes of the file `value` are. Raises NotAFile."""
    file = _as_file(value)
    stored, url = _first(file, OBJECT_KEY), _first(file, "remote_url", "url")
    if not stored and not url.startswith(_WEB):
        method = file_text(file, "transfer_method") or "unknown"
        raise NotAFile(f"a file sent by {method} names neither a web address nor a stored object")
    return StoredFile(object_key=stored) if stored else RemoteFile(url=url)


def stored_file(
    object_key: str, *, filename: str, mime_type: str, size: int, url: str = ""
) -> dict[str, Value]:
    """A file value for what lies in the object store; `size` in bytes, `url` "" for none."""
    kind = mime_type.partition("/")[0].strip().lower()
    name = filename or object_key.rpartition("/")[2]
    _, dot, extension = name.rpartition(".")
    key, mark = FILE_MARK
    return {
        key: mark,
        "type": kind if kind in _MEDIA else "document",
        "transfer_method": "tool_file",
        "filename": name,
        "extension": f".{extension}" if dot else "",
        "mime_type": mime_type.partition(";")[0].strip(),
        "size": size,
        OBJECT_KEY: object_key,
        # Results that were recorded without an address are replayed without one.
        **({"url": url} if url else {}),
    }


def _as_file(value: Value) -> dict[str, Value]:
    if isinstance(value, dict) and (is_file(value) or "transfer_method" in value):
        return value
    raise NotAFile("it is no file")


def _first(file: dict[str, Value], *names: str) -> str:
    for name in names:
        value = file.get(name)
        if isinstance(value, str) and value:
            return value
    return ""
