"""Text that people and workflows wrote, made fit to be sent to somebody."""

import re

MOST_CHARACTERS = 100_000
_FIELD = re.compile(r"\{\{#\$outputs?\.([a-zA-Z_][a-zA-Z0-9_]{0,29})#\}\}")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_CUT = "\n[cut]"


def plain_text(text: str) -> str:
    """`text` with lines and tabs but no other controls, cut at MOST_CHARACTERS; a field's place
    shows the field's name."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _bounded(_CONTROLS.sub("", _FIELD.sub(lambda place: f"[{place[1]}]", lines)))


def one_line(text: str, most: int) -> str:
    """`text` on one line of at most `most` characters, fit for a header."""
    return " ".join(_CONTROLS.sub(" ", text).split())[:most].rstrip()


def _bounded(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + _CUT
