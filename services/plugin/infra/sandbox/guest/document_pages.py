"""Web pages and PDF files as text."""

_UNSEEN = ("script", "style", "template", "noscript", "head")
_BLOCKS = (
    *(
        "address",
        "article",
        "aside",
        "blockquote",
        "br",
        "div",
        "dd",
        "dl",
        "dt",
        "figure",
        "footer",
    ),
    *("h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre"),
    *("section", "table", "tr", "ul"),
)


def html_text(page: str) -> str:
    """What a reader of the page sees, a block a line."""
    import bs4  # noqa: PLC0415 - only what the file needs is loaded

    soup = bs4.BeautifulSoup(page, "html.parser")
    for element in soup.find_all(_UNSEEN):
        element.decompose()
    for element in soup.find_all(("td", "th")):
        element.insert_before(" ")
    for element in soup.find_all(_BLOCKS):
        element.insert_before("\n")
        element.append("\n")
    lines = (" ".join(line.split()) for line in soup.get_text().splitlines())
    return "\n".join(line for line in lines if line)


def pdf_text(raw: bytes) -> str:
    """The text of every page, in order."""
    import pypdfium2  # noqa: PLC0415 - only what the file needs is loaded

    pages: list[str] = []
    with pypdfium2.PdfDocument(raw) as document:
        for page in document:
            text = page.get_textpage()
            pages.append(text.get_text_range().replace("\r\n", "\n"))
            text.close()
            page.close()
    return "\n".join(pages)
