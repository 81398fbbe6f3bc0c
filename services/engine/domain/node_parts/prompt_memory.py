"""What a model is reminded of: the conversation's finished turns."""

from dataclasses import dataclass

from services.engine.domain.node_parts.prompt_text import PlainText, parse_plain_text
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.values import Selector

HISTORY_TOKENS = 2000
"""The budget of the history while a model's context size is not known to the engine."""
_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """`turns` None: as many as the budget of tokens holds. The prefixes name the speakers in a
    prompt that is one text."""

    turns: int | None
    query: PlainText
    has_query_template: bool
    user_prefix: str = "Human"
    assistant_prefix: str = "Assistant"

    @property
    def references(self) -> tuple[Selector, ...]:
        return self.query.references if self.has_query_template else ()

    def select(self, history: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        """The newest turns that fit, oldest first."""
        recent = history if self.turns is None else history[len(history) - self.turns :]
        if self.turns is not None and self.turns >= len(history):
            recent = history
        kept: list[tuple[str, str]] = []
        budget = HISTORY_TOKENS
        for query, answer in reversed(recent):
            budget -= (len(query) + len(answer)) // _CHARACTERS_PER_TOKEN + 1
            if budget < 0:
                break
            kept.append((query, answer))
        return tuple(reversed(kept))

    def transcript(self, history: tuple[tuple[str, str], ...]) -> str:
        """The selected turns as one text."""
        return "\n".join(
            f"{self.user_prefix}: {query}\n{self.assistant_prefix}: {answer}"
            for query, answer in self.select(history)
        )


def parse_memory(settings: SettingsReader) -> Memory | None:
    """None where the node has no memory; an empty object is a memory with its defaults."""
    if not settings.has("memory"):
        return None
    memory = settings.section("memory")
    window = memory.section("window")
    size = window.number("size")
    limited = window.flag("enabled") and size is not None
    prefix = memory.section("role_prefix")
    template = memory.text("query_prompt_template")
    return Memory(
        turns=max(int(size), 0) if limited and size is not None else None,
        query=parse_plain_text(template or "{{#sys.query#}}"),
        has_query_template=bool(template),
        user_prefix=prefix.text("user") or "Human",
        assistant_prefix=prefix.text("assistant") or "Assistant",
    )
