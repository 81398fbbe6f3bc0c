"""What one model call under way says and thinks, ahead of the journal."""

from collections.abc import Callable, Sequence

from libs.common.contracts.chat import ChatPart, GenerationStarted
from services.engine.domain.execution.heard_text import HeardText
from services.engine.domain.execution.node_progress import NodeProgress
from services.engine.domain.node_parts.effects import CallModel
from services.engine.domain.variables.values import Selector

SpeakingPlace = tuple[str, Selector]
"""The path of a frame, and what streams in it."""


class LiveCall:
    """One visible model call: its present generation, what it says and what it thinks.

    `shown` code points of the generation were handed out for publishing. `inherited`: an earlier
    owner of the run announced the generation, and may have shown more of it than we know.

    Of each generation at most `HeardText`'s bounds are kept. What it says beyond them is shown once
    its result is recorded; what it thinks beyond them stands in the node's outputs alone.
    """

    __slots__ = (
        "_make_filters",
        "_said",
        "_show",
        "_text",
        "_think",
        "_thoughts",
        "frame",
        "generation",
        "inherited",
        "key",
        "node_id",
        "selector",
        "shown",
    )

    def __init__(
        self,
        key: str,
        progress: NodeProgress,
        request: CallModel,
        selector: Selector,
        *,
        inherited: bool,
    ) -> None:
        self.key = key
        self.node_id = progress.node_id
        self.frame = progress.frame
        self.selector = selector
        self.inherited = inherited
        self.generation: str | None = None
        self.shown = 0
        self._make_filters = request.visible, request.thoughts
        self._show: Callable[[ChatPart], str] = request.visible()
        self._think: Callable[[ChatPart], str] = request.thoughts()
        self._text = HeardText()
        self._thoughts = HeardText()
        self._said: list[str] = []

    @property
    def place(self) -> SpeakingPlace:
        """Where its text will stand."""
        return self.frame, self.selector

    def take(self, parts: Sequence[ChatPart]) -> None:
        """Parts as they came; another generation than the present one starts over.

        A reader that attached anew hears the present generation again from its first part: what is
        known already is passed over.
        """
        for part in parts:
            if isinstance(part, GenerationStarted):
                self._begin(part.generation)
                continue
            if thought := self._think(part):
                self._thoughts.add(thought)
            if text := self._show(part):
                self._text.add(text)

    def unseen(self) -> str:
        """Visible text that was not shown yet; it counts as shown from now on."""
        text = self._text.take()
        if text:
            self._said.append(text)
            self.shown += len(text)
        return text

    def unheard_thoughts(self) -> str:
        """What it thought and nobody was told yet; it counts as told from now on."""
        return self._thoughts.take()

    def said(self) -> str:
        """What was shown of the present generation."""
        return "".join(self._said)

    def hide(self) -> None:
        """What was shown has been withdrawn: all of it may be shown again."""
        self._text.give_back(self._said)
        self._said.clear()
        self.shown = 0

    def _begin(self, generation: str) -> None:
        visible, thoughts = self._make_filters
        self._show, self._think = visible(), thoughts()
        if generation == self.generation:
            self._text.hear_again()
            self._thoughts.hear_again()
            return
        self.generation = generation
        self._said.clear()
        self._text, self._thoughts = HeardText(), HeardText()
        self.shown = 0
