"""The text of a document, read inside the jail: the file may be hostile."""

import base64
import csv
import email
import email.message
import email.policy
import io
import json
import os
import sys
from collections.abc import Callable

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "parsers"))  # noqa: PTH100, PTH118, PTH120

import document_archives
import document_pages
from document_tables import as_table


def main(format: str, content: str) -> str:  # noqa: A002 - the caller's word for it
    """The text of the file whose bytes are `content` in base64."""
    return _READERS[format](base64.b64decode(content))


def _text(raw: bytes) -> str:
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if raw.startswith(mark):
            return raw.decode(encoding, "replace")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        import charset_normalizer  # noqa: PLC0415 - only what the file needs is loaded

        # Its beginning tells the encoding; all of a large file would take minutes.
        best = charset_normalizer.from_bytes(raw[:65536]).best()
        return raw.decode(best.encoding if best else "latin-1", "replace")


def _json(raw: bytes) -> str:
    try:
        return json.dumps(json.loads(_text(raw)), indent=2, ensure_ascii=False)
    except ValueError as error:
        raise ValueError(f"it is no JSON: {error}") from error


def _csv(raw: bytes) -> str:
    return as_table(list(csv.reader(io.StringIO(_text(raw)))))


def _html(raw: bytes) -> str:
    return document_pages.html_text(_text(raw))


def _mail(raw: bytes) -> str:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    head = [
        f"{name}: {message[name]}" for name in ("From", "To", "Date", "Subject") if message[name]
    ]
    body = message.get_body(("plain", "html"))
    if not isinstance(body, email.message.EmailMessage):
        return "\n".join(head)
    said = str(body.get_content())
    if body.get_content_subtype() == "html":
        said = document_pages.html_text(said)
    return "\n".join([*head, "", said.strip()])


_READERS: dict[str, Callable[[bytes], str]] = {
    "text": _text,
    "json": _json,
    "csv": _csv,
    "html": _html,
    "mail": _mail,
    "pdf": document_pages.pdf_text,
    "docx": document_archives.docx_text,
    "pptx": document_archives.pptx_text,
    "xlsx": document_archives.xlsx_text,
    "odt": document_archives.odt_text,
    "epub": document_archives.epub_text,
}
