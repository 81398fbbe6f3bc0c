"""Separates what a model thinks (`<think>...</think>`) from what it says."""

import re
from collections.abc import Callable

from libs.common.contracts.chat import ChatPart, ReasoningPart, TextPart
from services.engine.domain.node_parts.effects import PartFilter, provider_thoughts

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
    split = _ThoughtSplitter().split
    return lambda part: split(part)[0]


def separated_thoughts() -> Callable[[ChatPart], str]:
    """The part filter that keeps only thoughts: the provider's own, and those within tags."""
    split = _ThoughtSplitter().split
    return lambda part: part.text if isinstance(part, ReasoningPart) else split(part)[1]


PART_FILTERS: dict[str, PartFilter] = {"tagged": tagged_text, "separated": separated_text}
THOUGHT_FILTERS: dict[str, PartFilter] = {
    "tagged": provider_thoughts,
    "separated": separated_thoughts,
}


class _ThoughtSplitter:
    """Holds back what may be the beginning of a tag until it is decided."""

    __slots__ = ("_held", "_started", "_thinking", "_thought")

    def __init__(self) -> None:
        self._held = ""
        self._thinking = False
        self._started = False
        self._thought = False

    def split(self, part: ChatPart) -> tuple[str, str]:
        """`(what it says, what it thinks)` as far as this part decides it."""
        if part.kind == "completed":
            rest, self._held = self._held, ""
            return ("", rest) if self._thinking else (self._visible(rest), "")
        if not isinstance(part, TextPart):
            return "", ""
        self._held += part.text
        said: list[str] = []
        thoughts: list[str] = []
        while self._advance(said, thoughts):
            pass
        return self._visible("".join(said)), "".join(thoughts)

    def _advance(self, said: list[str], thoughts: list[str]) -> bool:
        """Consume up to and including the next tag; False when there is no whole one."""
        into = thoughts if self._thinking else said
        tag = (_CLOSE_TAG if self._thinking else _OPEN_TAG).search(self._held)
        if tag is not None:
            into.append(self._held[: tag.start()])
            self._held = self._held[tag.end() :]
            self._turn(thoughts)
            return True
        keep = _possible_tag(self._held, _CLOSE if self._thinking else _OPEN)
        into.append(self._held[: len(self._held) - keep])
        self._held = self._held[len(self._held) - keep :]
        return False

    def _turn(self, thoughts: list[str]) -> None:
        self._thinking = not self._thinking
        if self._thinking and self._thought:
            thoughts.append("\n")
        self._thought = True

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
