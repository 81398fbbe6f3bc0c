"""A run's visible text at one reader: what is known of it and what the client holds."""


class VisibleText:
    """`shown` code points are at the client; that may be more than is known here while a stored
    part is being read again. Growing by a piece costs the piece, whatever stands before it."""

    def __init__(self, *, shown: int = 0) -> None:
        self.shown = shown
        self.length = 0
        self._pieces: list[str] = []

    @property
    def known(self) -> str:
        """The text from its start."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    def agrees(self, from_offset: int, text: str) -> bool:
        """Whether what is known does not contradict `text` at `from_offset`."""
        if from_offset >= self.length:
            return True
        return text.startswith(self.known[from_offset : from_offset + len(text)])

    def add(self, from_offset: int, text: str) -> bool:
        """Know `text`, which stands at `from_offset`; False when a hole lies before it."""
        if from_offset > self.length:
            return False
        news = text[self.length - from_offset :]
        if news:
            self._pieces.append(news)
            self.length += len(news)
        return True

    def cut(self, from_offset: int, *, at_client: bool) -> bool:
        """Forget what stands from `from_offset` on. `at_client` False: the client has cut it
        before. True when the client holds some that is now withdrawn."""
        if from_offset < self.length:
            self._pieces = [self.known[:from_offset]]
            self.length = from_offset
        withdrawn = at_client and self.shown > from_offset
        if withdrawn:
            self.shown = from_offset
        return withdrawn

    def take(self) -> str:
        """What the client lacks; it has it from now on."""
        if self.shown >= self.length:
            return ""
        last = self._pieces[-1]
        lacking = self.length - self.shown
        text = last[-lacking:] if lacking <= len(last) else self.known[self.shown :]
        self.shown = self.length
        return text
