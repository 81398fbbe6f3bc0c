"""Small documents of every kind, made by hand, and some that no reader should trust."""

import io
import zipfile
from email.message import EmailMessage

import openpyxl

_WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_DRAWING = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
_ODF = 'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'


def zipped(parts: dict[str, str | bytes]) -> bytes:
    """A ZIP file of these parts."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return made.getvalue()


def pdf(*pages: str) -> bytes:
    """A PDF file with one line a page."""
    numbers = [4 + 2 * place for place in range(len(pages))]
    kids = " ".join(f"{number} 0 R" for number in numbers)
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, text in zip(numbers, pages, strict=True):
        drawn = f"BT /F1 24 Tf 50 700 Td ({text}) Tj ET"
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] "
            f"/Resources << /Font << /F1 3 0 R >> >> /Contents {number + 1} 0 R >>"
        )
        objects.append(f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream")
    written = "%PDF-1.4\n"
    places: list[int] = []
    for number, content in enumerate(objects, 1):
        places.append(len(written))
        written += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size, start = len(objects) + 1, len(written)
    written += f"xref\n0 {size}\n0000000000 65535 f \n{table}"
    written += f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    return written.encode()


def docx(*blocks: str | list[list[str]]) -> bytes:
    """Paragraphs, and tables as rows of cells."""
    body = "".join(_paragraph(each) if isinstance(each, str) else _table(each) for each in blocks)
    return zipped(
        {"word/document.xml": f"<w:document {_WORD}><w:body>{body}</w:body></w:document>"}
    )


def _paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def _table(rows: list[list[str]]) -> str:
    written = (
        "<w:tr>" + "".join(f"<w:tc>{_paragraph(cell)}</w:tc>" for cell in row) + "</w:tr>"
        for row in rows
    )
    return f"<w:tbl>{''.join(written)}</w:tbl>"


def pptx(*slides: str) -> bytes:
    parts: dict[str, str | bytes] = {
        f"ppt/slides/slide{number}.xml": f"<s {_DRAWING}><a:p><a:t>{text}</a:t></a:p></s>"
        for number, text in enumerate(slides, 1)
    }
    return zipped(parts)


def xlsx(sheets: dict[str, list[list[str | int]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def odt(*paragraphs: str) -> bytes:
    body = "".join(f"<text:p>{each}</text:p>" for each in paragraphs)
    return zipped({"content.xml": f"<c {_ODF}>{body}</c>"})


def epub(*chapters: str) -> bytes:
    items = "".join(f'<item id="c{n}" href="c%20{n}.xhtml"/>' for n in range(len(chapters)))
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    return zipped(
        {
            "META-INF/container.xml": (
                '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
                '<rootfiles><rootfile full-path="book/content.opf"/></rootfiles></container>'
            ),
            "book/content.opf": (
                f'<package xmlns="http://www.idpf.org/2007/opf"><manifest>{items}</manifest>'
                f"<spine>{spine}</spine></package>"
            ),
            **{
                f"book/c {n}.xhtml": f"<html><head><title>no</title></head>{text}</html>"
                for n, text in enumerate(chapters)
            },
        }
    )


def mail(subject: str, text: str) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.test", "b@example.test", subject
    message.set_content(text)
    message.add_alternative(f"<p>{text}</p>", subtype="html")
    return message.as_bytes()


def bomb(name: str) -> bytes:
    """A ZIP file of a megabyte whose one part unpacks to a gigabyte."""
    made = io.BytesIO()
    block = b" " * (1 << 20)
    with (
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(name, "w") as part,
    ):
        part.write(b"<x>")
        for _ in range(1024):
            part.write(block)
    return made.getvalue()


def laughing(levels: int = 12) -> str:
    """XML whose entities multiply tenfold at each level."""
    entities = "".join(
        f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, levels)
    )
    return f'<!DOCTYPE x [<!ENTITY l0 "ha">{entities}]><x {_WORD}>&l{levels - 1};</x>'
