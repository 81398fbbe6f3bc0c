"""Prompts of chat and completion models."""

from dataclasses import dataclass
from typing import Literal

from libs.common.contracts.chat import ChatMessage, Content, TextContent
from services.engine.domain.node_parts.input_variables import parse_input_variables
from services.engine.domain.node_parts.node_contract import NodeContext, NodeFailure
from services.engine.domain.node_parts.prompt_context import context_text
from services.engine.domain.node_parts.prompt_images import Vision, parse_vision
from services.engine.domain.node_parts.prompt_memory import Memory, parse_memory
from services.engine.domain.node_parts.prompt_text import PromptText, parse_prompt_text
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.rendering import render_text
from services.engine.domain.variables.values import Missing, Selector

Role = Literal["system", "user", "assistant"]
_ROLES: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant"}
_Turn = tuple[Role, str | tuple[Content, ...]]
_HISTORIES = ("{{#histories#}}", "#histories#")
_QUERY = "#sys.query#"
_SYSTEM_QUERY: Selector = ("sys", "query")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """`texts` in order. `completion`: they are one text for a model that continues text."""

    texts: tuple[tuple[Role, PromptText], ...]
    completion: bool
    context: Selector | None
    memory: Memory | None
    vision: Vision

    @property
    def references(self) -> tuple[Selector, ...]:
        found = [selector for _, text in self.texts for selector in text.references]
        if self.context is not None:
            found.append(self.context)
        if self.memory is not None:
            found.extend(self.memory.references)
        if self.vision.files is not None:
            found.append(self.vision.files)
        return tuple(found)

    def build(self, context: NodeContext) -> tuple[ChatMessage, ...]:
        """Template, then remembered turns, then the query; empty messages are left out. Images that
        a text names follow it; those of `vision` stand before the last text, if it is the user's.

        Raises NodeFailure for a missing variable and when nothing is left to send.
        """
        known = None if self.context is None else context.variables.get(self.context)
        knowledge = "" if known is None else context_text(known)
        turns: list[_Turn] = []
        if self.completion:
            texts = [text.render(context.variables, knowledge) for _, text in self.texts]
            turns.append(("user", self._completion(texts, context)))
        else:
            for role, text in self.texts:
                turns.append((role, text.render(context.variables, knowledge)))
                turns.append((role, self._named_by(text, context)))
        if not self.completion and self.memory is not None:
            turns += self._remembered(context, self.memory)
        turns = _with_images(turns, self.vision.images(context.variables))
        messages = tuple(ChatMessage(role=role, content=said) for role, said in turns if said)
        if not messages:
            raise NodeFailure(
                "No prompt found in the LLM configuration. "
                "Please ensure a prompt is properly configured before proceeding.",
                error_type="NoPromptFoundError",
            )
        return messages

    def _named_by(self, text: PromptText, context: NodeContext) -> tuple[Content, ...]:
        return tuple(
            image
            for value in text.values(context.variables)
            for image in self.vision.images_of(value)
        )

    def _remembered(self, context: NodeContext, memory: Memory) -> list[_Turn]:
        turns: list[_Turn] = []
        for query, answer in memory.select(context.history):
            turns.append(("user", query))
            turns.append(("assistant", answer))
        turns.append(("user", _query(context, memory)))
        return turns

    def _completion(self, written: list[str], context: NodeContext) -> str:
        text = "\n".join(written)
        transcript = "" if self.memory is None else self.memory.transcript(context.history)
        placed = False
        for place in _HISTORIES:
            placed = placed or place in text
            text = text.replace(place, transcript)
        if transcript and not placed:
            text = f"{transcript}\n{text}"
        if self.memory is not None and _QUERY in text:
            text = text.replace(_QUERY, _query(context, self.memory))
        return text


def _with_images(turns: list[_Turn], images: tuple[Content, ...]) -> list[_Turn]:
    said = [turn for turn in turns if turn[1]]
    if not images:
        return said
    if not said or said[-1][0] != "user":
        return [*said, ("user", images)]
    last = said[-1][1]
    content = (TextContent(text=last),) if isinstance(last, str) else last
    return [*said[:-1], ("user", (*images, *content))]


def _query(context: NodeContext, memory: Memory) -> str:
    if memory.has_query_template:
        return memory.query.render(context.variables, "")
    value = context.variables.get(_SYSTEM_QUERY)
    return "" if isinstance(value, Missing) else render_text(value)


def parse_prompt(settings: SettingsReader, *, completion: bool) -> Prompt:
    inputs = parse_input_variables(settings.section("prompt_config"), "jinja2_variables")
    raw = settings.raw("prompt_template")
    texts: list[tuple[Role, PromptText]] = []
    if isinstance(raw, dict):
        texts.append(("user", parse_prompt_text(settings.section("prompt_template"), inputs)))
    else:
        for item in settings.items("prompt_template"):
            role = _ROLES.get(item.text("role", "user"))
            if role is None:
                item.report("unknown_role", "must be system, user or assistant", "role")
                continue
            texts.append((role, parse_prompt_text(item, inputs)))
    if not texts:
        settings.report("missing_field", "must hold a prompt", "prompt_template")
    context = settings.section("context")
    return Prompt(
        texts=tuple(texts),
        completion=completion,
        context=context.selector("variable_selector") if context.flag("enabled") else None,
        memory=parse_memory(settings),
        vision=parse_vision(settings),
    )
