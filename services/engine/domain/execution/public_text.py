"""The visible text of a run as the world sees it grow."""

from services.engine.domain.events import journal
from services.engine.domain.variables.values import Value

TextEvent = journal.GenerationStarted | journal.TextCommitted | journal.TextReplaced


class ShownText:
    """The committed text so far. `length` may be known where `text` is not kept."""

    __slots__ = ("_pieces", "length")

    def __init__(self, text: str = "", length: int = 0) -> None:
        self._pieces = [text] if text else []
        self.length = length

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def tell(self, event: TextEvent) -> dict[str, Value]:
        """The public event as plain JSON."""
        match event:
            case journal.GenerationStarted():
                return {
                    "kind": "generation_started",
                    "key": event.key,
                    "generation": event.generation,
                    "from_offset": event.from_offset,
                    "node_id": event.node_id,
                    "selector": [*event.selector],
                    "frame_path": event.frame,
                }
            case journal.TextCommitted():
                self._follow(event.from_offset, event.text)
                return {
                    "kind": "text_committed",
                    "from_offset": event.from_offset,
                    "text": event.text,
                    "node_id": event.node_id,
                    "selector": [*event.selector],
                    "frame_path": event.frame,
                    "generation": event.generation,
                    "final": event.final,
                }
            case journal.TextReplaced():
                self._follow(event.from_offset, "")
                return {"kind": "text_replaced", "from_offset": event.from_offset}

    def _follow(self, from_offset: int, text: str) -> None:
        if from_offset < self.length:
            self._pieces, self.length = [self.text[:from_offset]], from_offset
        if text:
            self._pieces.append(text)
            self.length += len(text)
