import pytest

from services.plugin.domain.documents.formats import format_of


@pytest.mark.parametrize(
    ("filename", "mime_type", "expected"),
    [
        ("a.PDF", "", "pdf"),
        ("a.b.docx", "application/pdf", "docx"),
        ("a", "application/pdf; x=1", "pdf"),
        ("a.unknown", "text/x-anything", "text"),
        ("notes.md", "application/octet-stream", "text"),
        ("a.exe", "application/octet-stream", None),
        ("pdf", "", None),
        ("", "", None),
    ],
)
def test_the_name_tells_first_then_the_media_type(
    filename: str, mime_type: str, expected: str | None
) -> None:
    assert format_of(filename, mime_type) == expected
