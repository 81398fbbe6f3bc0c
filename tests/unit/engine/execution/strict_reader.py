"""A reader that forgives nothing: it hears everything and takes the engine at its word."""

from libs.common.contracts import run_events as public
from tests.unit.engine.execution.simulated_world import Heard


class StrictReader:
    """Asserts with every event that the engine keeps the rules of visible text.

    Only the announced generation speaks, at the end of the text or over what it said before; a new
    one begins where the text ends; committed text never contradicts what was told; a run ends with
    exactly the text that was told.
    """

    def __init__(self) -> None:
        self.text = ""
        self._generation: str | None = None

    def hear(self, event: Heard) -> None:
        match event:
            case public.TextDelta():
                assert event.generation == self._generation, "a delta that nobody announced"
                self._agree(event.from_offset, event.text)
                self.text += event.text[len(self.text) - event.from_offset :]
            case public.GenerationStarted():
                assert event.from_offset == len(self.text), "announced over text that stands"
                self._generation = event.generation
            case public.TextCommitted():
                self._agree(event.from_offset, event.text)
                self.text += event.text[len(self.text) - event.from_offset :]
            case public.TextReplaced():
                assert event.from_offset <= len(self.text)
                self.text, self._generation = self.text[: event.from_offset], None
            case public.RunFinished():
                assert event.offset == len(self.text), "text was told that the journal lacks"
            case _:
                pass

    def _agree(self, from_offset: int, text: str) -> None:
        held = self.text[from_offset:]
        assert from_offset <= len(self.text), "a hole in the text"
        assert held.startswith(text) or text.startswith(held), f"{text!r} over {held!r}"
