"""Finding named things in a text by fixed patterns. Deterministic; no language model."""

import re

_PATTERNS: tuple[tuple[str, str], ...] = (
    ("email", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    ("url", r"https?://[^\s<>\"')]+"),
    ("phone", r"(?<![\d-])(?!\d{4}-\d{2}-\d{2}\b)\+?\d[\d ()-]{7,}\d"),
    ("date", r"\b\d{4}-\d{2}-\d{2}\b"),
    ("amount", r"(?:[$€£]\s?\d[\d,]*(?:\.\d+)?|\b\d[\d,]*(?:\.\d+)?\s?(?:USD|EUR|GBP)\b)"),
    ("order", r"\b[A-Z]{2,5}-\d{3,}\b|#\d{3,}\b"),
    ("invoice", r"\b[A-Z]{2,5}-\d{3,}\b"),
    ("ticket", r"\b[A-Z]{2,5}-\d{1,}\b|#\d+\b"),
)
_NUMBER = re.compile(r"(?<![\w-])-?\d+(?:\.\d+)?")
_MAX_TEXT = 100_000


def extract_named(field: str, text: str) -> str | None:
    """The first thing in `text` that `field`'s name asks for, or None.

    A line `field: value` wins; then the pattern whose name is part of the field's; the text is cut
    at 100,000 characters.
    """
    text = text[:_MAX_TEXT]
    label = re.escape(field.replace("_", " "))
    labelled = re.search(
        rf"^[ \t]*(?:{re.escape(field)}|{label})[ \t]*[:=][ \t]*(\S[^\n]*)$",
        text,
        re.IGNORECASE | re.MULTILINE,
    )
    if labelled:
        return labelled.group(1).strip()
    lowered = field.lower()
    for name, pattern in _PATTERNS:
        if name in lowered:
            found = re.search(pattern, text)
            return found.group(0) if found else None
    return None


def extract_number(field: str, text: str) -> float | None:
    """The number labelled `field`, else the one that counts it (`2 boxes`), else the first that
    stands by itself in `text`, else None."""
    text = text[:_MAX_TEXT]
    named = (extract_named(field, text) or "").replace(",", "")
    counted = re.escape(field.replace("_", " "))
    found = (
        _NUMBER.search(named)
        or re.search(rf"{_NUMBER.pattern}(?=\s+{counted}\b)", text, re.IGNORECASE)
        or _NUMBER.search(text)
    )
    return float(found.group(0)) if found else None
