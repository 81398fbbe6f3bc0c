"""The text of one model call under way, ahead of the journal."""

from collections.abc import Callable, Sequence

from libs.common.contracts.chat import ChatPart, GenerationStarted
from services.engine.domain.node_parts.effects import CallModel
from services.engine.domain.variables.values import Selector


class LiveCall:
    """One visible model call: its present generation and what it says.

    `shown` code points of the generation were handed out for publishing. `inherited`: an earlier
    owner of the run announced the generation, and may have shown more of it than we know.
    """

    __slots__ = (
        "_fresh",
        "_known",
        "_make_filter",
        "_repeated",
        "_said",
        "_show",
        "generation",
        "inherited",
        "key",
        "node_id",
        "selector",
        "shown",
    )

    def __init__(
        self, key: str, node_id: str, request: CallModel, selector: Selector, *, inherited: bool
    ) -> None:
        self.key = key
        self.node_id = node_id
        self.selector = selector
        self.inherited = inherited
        self.generation: str | None = None
        self.shown = 0
        self._make_filter = request.visible
        self._show: Callable[[ChatPart], str] = request.visible()
        self._said: list[str] = []
        self._fresh: list[str] = []
        self._known = 0
        self._repeated = 0

    def take(self, parts: Sequence[ChatPart]) -> None:
        """Parts as they came; another generation than the present one starts over.

        A reader that attached anew hears the present generation again from its first part: what is
        known already is passed over.
        """
        for part in parts:
            if isinstance(part, GenerationStarted):
                self._begin(part.generation)
                continue
            text = self._show(part)
            if text and self._repeated:
                passed = min(len(text), self._repeated)
                self._repeated -= passed
                text = text[passed:]
            if text:
                self._fresh.append(text)
                self._known += len(text)

    def unseen(self) -> str:
        """Visible text that was not shown yet; it counts as shown from now on."""
        if not self._fresh:
            return ""
        text = "".join(self._fresh)
        self._fresh.clear()
        self._said.append(text)
        self.shown += len(text)
        return text

    def said(self) -> str:
        """What was shown of the present generation."""
        return "".join(self._said)

    def hide(self) -> None:
        """What was shown has been withdrawn: all of it may be shown again."""
        self._fresh[:0] = self._said
        self._said.clear()
        self.shown = 0

    def _begin(self, generation: str) -> None:
        self._show = self._make_filter()
        if generation == self.generation:
            self._repeated = self._known
            return
        self.generation = generation
        self._said.clear()
        self._fresh.clear()
        self.shown = self._known = self._repeated = 0
