"""Text of one generation as it is heard: kept until it is taken, within bounds."""

from collections.abc import Sequence

MOST_CHARACTERS = 2_000_000
MOST_PIECES = 200_000


class HeardText:
    """At most 2,000,000 code points (8 MB) in 200,000 pieces are taken in; from the first piece
    that does not fit, all the rest is passed over, so that no hole is ever inside."""

    __slots__ = ("_fresh", "_full", "_known", "_pieces", "_repeated")

    def __init__(self) -> None:
        self._fresh: list[str] = []
        self._known = 0
        self._pieces = 0
        self._repeated = 0
        self._full = False

    def add(self, text: str) -> None:
        """What was heard next; what is heard again is passed over."""
        if self._repeated:
            passed = min(len(text), self._repeated)
            self._repeated -= passed
            text = text[passed:]
        if not text or self._full:
            return
        if self._known + len(text) > MOST_CHARACTERS or self._pieces >= MOST_PIECES:
            self._full = True
            return
        self._fresh.append(text)
        self._known += len(text)
        self._pieces += 1

    def take(self) -> str:
        """What was not taken yet."""
        if not self._fresh:
            return ""
        text = "".join(self._fresh)
        self._fresh.clear()
        return text

    def give_back(self, pieces: Sequence[str]) -> None:
        """`pieces` that were taken may be taken again, before anything else."""
        self._fresh[:0] = pieces

    def hear_again(self) -> None:
        """The same text is about to be heard from its start."""
        self._repeated = self._known
