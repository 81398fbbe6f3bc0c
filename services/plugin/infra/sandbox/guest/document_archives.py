"""Office files and books: archives of XML, read part by part."""

import io
import mimetypes
import posixpath
import re
import zipfile
from collections.abc import Iterator
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import document_pages
from document_tables import as_table

_MOST_UNPACKED = 256 * 1024 * 1024
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_ODF_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_OPF = "{http://www.idpf.org/2007/opf}"
_CONTAINER = "{urn:oasis:names:tc:opendocument:xmlns:container}"


class _Archive:
    """A ZIP file that says no to unpacking without end."""

    def __init__(self, raw: bytes) -> None:
        self._zip = zipfile.ZipFile(io.BytesIO(raw))
        self._left = _MOST_UNPACKED

    def names(self) -> list[str]:
        return self._zip.namelist()

    def part(self, name: str) -> bytes:
        """Raises MemoryError beyond what may be unpacked: it is counted as that limit."""
        with self._zip.open(name) as stream:
            content = stream.read(self._left + 1)
        self._left -= len(content)
        if self._left < 0:
            raise MemoryError
        return content

    def xml(self, name: str) -> ET.Element:
        return ET.fromstring(self.part(name))  # noqa: S314 - inside the jail


def docx_text(raw: bytes) -> str:
    """Paragraphs and tables of the body in order, tables as Markdown."""
    body = _Archive(raw).xml("word/document.xml").find(f"{_WORD}body")
    blocks: list[str] = []
    for element in [] if body is None else list(body):
        if element.tag == f"{_WORD}tbl":
            rows = [
                [_word_text(cell) for cell in row.findall(f"{_WORD}tc")]
                for row in element.iter(f"{_WORD}tr")
            ]
            blocks.append(as_table(rows))
        else:
            blocks.extend(_word_text(each) for each in element.iter(f"{_WORD}p"))
    return "\n".join(blocks).strip()


def _word_text(element: ET.Element) -> str:
    pieces: list[str] = []
    for each in element.iter():
        if each.tag == f"{_WORD}t":
            pieces.append(each.text or "")
        elif each.tag == f"{_WORD}tab":
            pieces.append("\t")
        elif each.tag in (f"{_WORD}br", f"{_WORD}cr"):
            pieces.append("\n")
    return "".join(pieces)


def pptx_text(raw: bytes) -> str:
    """The text of every slide in order, an empty line between slides."""
    archive = _Archive(raw)
    slides: list[str] = []
    for name in _numbered(archive.names(), r"ppt/slides/slide(\d+)\.xml"):
        lines = (
            "".join(run.text or "" for run in paragraph.iter(f"{_DRAWING}t"))
            for paragraph in archive.xml(name).iter(f"{_DRAWING}p")
        )
        slides.append("\n".join(line for line in lines if line))
    return "\n\n".join(slides)


def _numbered(names: list[str], pattern: str) -> list[str]:
    found = [(int(match[1]), name) for name in names if (match := re.fullmatch(pattern, name))]
    return [name for _, name in sorted(found)]


def xlsx_text(raw: bytes) -> str:
    """Every sheet as a Markdown table, under its name where there are several."""
    # Where only Landlock isolates, the system's own list is there and cannot be opened.
    mimetypes.knownfiles.clear()
    _refuse_bomb(raw)
    import openpyxl  # noqa: PLC0415 - only what the file needs is loaded

    book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
    tables: list[str] = []
    for sheet in book.worksheets:
        rows = [
            ["" if value is None else str(value) for value in row]
            for row in sheet.iter_rows(values_only=True)
        ]
        table = as_table(rows)
        if table:
            tables.append(f"## {sheet.title}\n\n{table}" if len(book.worksheets) > 1 else table)
    return "\n\n".join(tables)


def _refuse_bomb(raw: bytes) -> None:
    archive = zipfile.ZipFile(io.BytesIO(raw))
    if sum(part.file_size for part in archive.infolist()) > _MOST_UNPACKED:
        raise MemoryError


def odt_text(raw: bytes) -> str:
    """Headings and paragraphs, one a line."""
    wanted = (f"{_ODF_TEXT}p", f"{_ODF_TEXT}h")
    content = _Archive(raw).xml("content.xml")
    return "\n".join("".join(each.itertext()) for each in content.iter() if each.tag in wanted)


def epub_text(raw: bytes) -> str:
    """The chapters in reading order, an empty line between them."""
    archive = _Archive(raw)
    chapters = (
        document_pages.html_text(archive.part(name).decode("utf-8", "replace"))
        for name in _chapters(archive)
    )
    return "\n\n".join(chapter for chapter in chapters if chapter)


def _chapters(archive: _Archive) -> Iterator[str]:
    root = archive.xml("META-INF/container.xml").find(f".//{_CONTAINER}rootfile")
    if root is None:
        raise ValueError("the book names no contents")
    place = root.attrib["full-path"]
    package = archive.xml(place)
    targets = {item.get("id"): item.get("href", "") for item in package.iter(f"{_OPF}item")}
    known = set(archive.names())
    for entry in package.iter(f"{_OPF}itemref"):
        href = unquote(targets.get(entry.get("idref"), ""))
        name = posixpath.normpath(posixpath.join(posixpath.dirname(place), href))
        if name in known:
            yield name
