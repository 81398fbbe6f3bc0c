"""A file as an answer that no browser takes for a page of ours.

Its bytes are a stranger's, and so is what they are said to be.
"""

from urllib.parse import quote

from starlette.responses import StreamingResponse

from services.backend.app.files.show_file import ShownFile

_SHOWN_INLINE = frozenset(
    {
        *("image/png", "image/jpeg", "image/gif", "image/webp"),
        *("audio/mpeg", "audio/mp4", "audio/wav", "audio/x-wav", "audio/webm"),
        *("video/mp4", "video/webm", "video/quicktime", "application/pdf"),
        *("text/plain", "text/csv"),
    }
)
_BYTES = "application/octet-stream"


def file_answer(shown: ShownFile, *, as_attachment: bool) -> StreamingResponse:
    """The bytes, streamed. Whatever could hold a script goes as an attachment."""
    inline = shown.mime_type in _SHOWN_INLINE and not as_attachment
    kind = shown.mime_type if inline else _BYTES
    if kind.startswith("text/"):
        kind += "; charset=utf-8"
    return StreamingResponse(
        shown.chunks,
        headers={
            "Content-Type": kind,
            "Content-Length": str(shown.size),
            "Content-Disposition": _disposition(shown.name, inline=inline),
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Cache-Control": "private, max-age=3600",
            "Referrer-Policy": "no-referrer",
        },
    )


def _disposition(name: str, *, inline: bool) -> str:
    """With the name in the form that takes every letter (RFC 6266)."""
    return f"{'inline' if inline else 'attachment'}; filename*=UTF-8''{quote(name, safe='')}"
