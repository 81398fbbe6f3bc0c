"""Separates what a model thinks (`<think>...</think>`) from what it says."""

import re
from collections.abc import Callable

from libs.common.contracts.chat import ChatPart, TextPart
from services.engine.domain.node_parts.effects import PartFilter

_OPEN = "<think>"
_CLOSE = "</think>"
_OPEN_TAG = re.compile(r"<think(?:\s[^>]*)?>", re.IGNORECASE)
_CLOSE_TAG = re.compile(r"</think>", re.IGNORECASE)
_LONGEST_TAG = 200
"""An opening tag with more than this many characters is text."""
_BLANK_LINES = re.compile(r"\n\s*\n")


def split_reasoning(text: str) -> tuple[str, str]:
    """`(what it says, what it thought)` of a whole answer; an unclosed thought runs to the end.

    What it says is tidied: runs of blank lines become one, and the ends are stripped.
    """
    said: list[str] = []
    thoughts: list[str] = []
    position = 0
    while opened := _OPEN_TAG.search(text, position):
        said.append(text[position : opened.start()])
        closed = _CLOSE_TAG.search(text, opened.end())
        thoughts.append(text[opened.end() : closed.start() if closed else len(text)].strip())
        position = closed.end() if closed else len(text)
    said.append(text[position:])
    tidy = _BLANK_LINES.sub("\n\n", "".join(said)).strip()
    return tidy, "\n".join(thought for thought in thoughts if thought)


def tagged_text() -> Callable[[ChatPart], str]:
    """The part filter that shows text as the model wrote it."""

    def show(part: ChatPart) -> str:
        return part.text if isinstance(part, TextPart) else ""

    return show


def separated_text() -> Callable[[ChatPart], str]:
    """The part filter that leaves thoughts out, wherever chunks are cut."""
    return _ThoughtStripper().show


PART_FILTERS: dict[str, PartFilter] = {"tagged": tagged_text, "separated": separated_text}


class _ThoughtStripper:
    """Holds back what may be the beginning of a tag until it is decided."""

    __slots__ = ("_held", "_started", "_thinking")

    def __init__(self) -> None:
        self._held = ""
        self._thinking = False
        self._started = False

    def show(self, part: ChatPart) -> str:
        if part.kind == "completed":
            rest, self._held = ("" if self._thinking else self._held), ""
            return self._visible(rest)
        if not isinstance(part, TextPart):
            return ""
        self._held += part.text
        shown: list[str] = []
        while self._advance(shown):
            pass
        return self._visible("".join(shown))

    def _advance(self, shown: list[str]) -> bool:
        """Consume up to and including the next tag; False when there is no whole one."""
        tag = (_CLOSE_TAG if self._thinking else _OPEN_TAG).search(self._held)
        if tag is not None:
            if not self._thinking:
                shown.append(self._held[: tag.start()])
            self._held = self._held[tag.end() :]
            self._thinking = not self._thinking
            return True
        keep = _possible_tag(self._held, _CLOSE if self._thinking else _OPEN)
        if not self._thinking:
            shown.append(self._held[: len(self._held) - keep])
        self._held = self._held[len(self._held) - keep :]
        return False

    def _visible(self, text: str) -> str:
        """Blank space before the first visible character belongs to the thought before it."""
        if not self._started:
            text = text.lstrip()
            self._started = bool(text)
        return text


def _possible_tag(text: str, tag: str) -> int:
    """How many characters at the end of `text` may begin `tag`."""
    start = text.rfind("<")
    if start < 0:
        return 0
    tail = text[start:].lower()
    if tag.startswith(tail):
        return len(tail)
    opening = tag == _OPEN and tail.startswith(_OPEN[:-1]) and tail[len(_OPEN) - 1].isspace()
    return len(tail) if opening and len(tail) <= _LONGEST_TAG else 0
