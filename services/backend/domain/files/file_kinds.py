"""Of which kind a file is, and how large files of a kind may be."""

from dataclasses import dataclass
from typing import Literal

FileKind = Literal["image", "document", "audio", "video", "custom"]

_EXTENSIONS: dict[FileKind, frozenset[str]] = {
    "image": frozenset({"jpg", "jpeg", "png", "webp", "gif", "svg"}),
    "video": frozenset({"mp4", "mov", "mpeg", "webm"}),
    "audio": frozenset({"mp3", "m4a", "wav", "amr", "mpga"}),
    "document": frozenset(
        {
            *("txt", "markdown", "md", "mdx", "pdf", "html", "htm", "xlsx", "xls", "vtt"),
            *("properties", "doc", "docx", "csv", "eml", "msg", "pptx", "ppt", "xml", "epub"),
        }
    ),
}
_MEDIA: tuple[FileKind, ...] = ("image", "video", "audio")
MEBIBYTE = 1024 * 1024


def kind_of(extension: str, mime_type: str) -> FileKind:
    """By the extension (small letters, no dot), else by the MIME type; `custom` where neither
    tells."""
    for kind, extensions in _EXTENSIONS.items():
        if extension in extensions:
            return kind
    for kind in _MEDIA:
        if mime_type.startswith(f"{kind}/"):
            return kind
    return "document" if mime_type.startswith("text/") or "pdf" in mime_type else "custom"


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeLimits:
    """In MiB; `document` is that of every other kind too."""

    document: int = 15
    image: int = 10
    video: int = 100
    audio: int = 50

    def most_bytes(self, extension: str) -> int:
        """What a file with this extension may have; the claimed MIME type buys no more."""
        kind = kind_of(extension, "")
        limits = {"image": self.image, "video": self.video, "audio": self.audio}
        return limits.get(kind, self.document) * MEBIBYTE

    @property
    def largest_bytes(self) -> int:
        return max(self.document, self.image, self.video, self.audio) * MEBIBYTE
