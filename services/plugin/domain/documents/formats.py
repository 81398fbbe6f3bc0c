"""Which format a file has, by its name and then by its media type."""

_BY_EXTENSION: dict[str, str] = {
    **dict.fromkeys(("txt", "md", "markdown", "mdx", "rst", "log", "vtt", "srt", "tex"), "text"),
    **dict.fromkeys(("yaml", "yml", "toml", "ini", "cfg", "conf", "properties", "env"), "text"),
    **dict.fromkeys(("py", "js", "ts", "jsx", "tsx", "mjs", "css", "scss", "sh", "bash"), "text"),
    **dict.fromkeys(("c", "h", "cc", "cpp", "hpp", "cs", "java", "kt", "go", "rs", "rb"), "text"),
    **dict.fromkeys(("php", "pl", "lua", "r", "scala", "swift", "sql", "xml", "graphql"), "text"),
    **dict.fromkeys(("jsonl", "ndjson", "diff", "patch"), "text"),
    **dict.fromkeys(("html", "htm", "xhtml"), "html"),
    "json": "json",
    "csv": "csv",
    "eml": "mail",
    "pdf": "pdf",
    "docx": "docx",
    "pptx": "pptx",
    "xlsx": "xlsx",
    "odt": "odt",
    "epub": "epub",
}
_OFFICE = "application/vnd.openxmlformats-officedocument."
_BY_MEDIA_TYPE: dict[str, str] = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/csv": "csv",
    "application/json": "json",
    "message/rfc822": "mail",
    "application/pdf": "pdf",
    f"{_OFFICE}wordprocessingml.document": "docx",
    f"{_OFFICE}presentationml.presentation": "pptx",
    f"{_OFFICE}spreadsheetml.sheet": "xlsx",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/epub+zip": "epub",
    "application/yaml": "text",
    "application/xml": "text",
    "application/javascript": "text",
}


def format_of(filename: str, mime_type: str) -> str | None:
    """The format's name, None where nothing here reads such a file."""
    _, dot, extension = filename.rpartition(".")
    known = _BY_EXTENSION.get(extension.lower()) if dot else None
    if known is not None:
        return known
    kind = mime_type.partition(";")[0].strip().lower()
    return _BY_MEDIA_TYPE.get(kind) or ("text" if kind.startswith("text/") else None)
