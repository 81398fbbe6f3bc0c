"""The demo vendor's answer: fixed rules over the prompt. It is not a language model.

Rules, first that fits:

1. A tool result stands last: the answer repeats it.
2. Tools are offered (and not forbidden): the best-named one is called, its arguments filled from
   the text by its schema.
3. A JSON schema is asked for: it is filled from the text.
4. The last user message has a line `Categories: [{"category_id": ..., "category_name": ...}]`: the
   category whose name has most words of the text, as JSON.
5. It has a line `JSON Schema: {...}`: that is filled from the text.
6. The prompt has a line `Labels: a (words), b (words)` or `Extract: x, y`: one line
   `category: a` and one line `x: found` (or `x: unknown`) each.
7. Otherwise: the first sentence of the text, cut at 200 characters, and its number of words.

"The text" is the last user message; where that has a line `Text:` alone or followed by words, what
stands from there on.
"""

import json
import re
from dataclasses import dataclass

from libs.common.contracts.chat import (
    ChatCall,
    ChatMessage,
    JsonObjectFormat,
    JsonSchemaFormat,
    TextContent,
    ToolDefinition,
)
from services.inference.domain.demo.classify import classify, parse_labels
from services.inference.domain.demo.extract import extract_named
from services.inference.domain.demo.fill_schema import fill_schema
from services.inference.domain.demo.read_task import categories_in, chosen_category, schema_in

_DIRECTIVE = re.compile(r"(?im)^[ \t]*(labels|extract)[ \t]*:[ \t]*(\S.*)$")
_TEXT = re.compile(r"^[ \t]*text[ \t]*:[ \t]*", re.IGNORECASE | re.MULTILINE)
_LONGEST_SENTENCE = 200
_SENTENCE = re.compile(rf"[^.!?\n]{{1,{_LONGEST_SENTENCE}}}[.!?]?")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoAnswer:
    """`text`, or a call of the tool `tool` with `arguments` as JSON text."""

    text: str = ""
    tool: str | None = None
    arguments: str = "{}"


def demo_answer(call: ChatCall) -> DemoAnswer:
    """What the demo vendor says to `call`. The same call always gets the same answer."""
    last = call.messages[-1]
    if last.role == "tool":
        return DemoAnswer(text=f"The tool says: {plain_text(last)}")
    prompt = "\n".join(plain_text(m) for m in call.messages if m.role in {"system", "user"})
    text = _subject(call)
    tool = _chosen_tool(call, text)
    if tool is not None:
        arguments = fill_schema(tool.parameters, text)
        return DemoAnswer(tool=tool.name, arguments=_json(arguments))
    match call.response_format:
        case JsonSchemaFormat():
            return DemoAnswer(text=_json(fill_schema(call.response_format.json_schema, text)))
        case JsonObjectFormat():
            return DemoAnswer(text=_json({"text": text, "words": len(text.split())}))
        case None:
            return DemoAnswer(
                text=_tasked(_last_user(call), text) or _directed(prompt, text) or _summary(text)
            )


def plain_text(message: ChatMessage) -> str:
    """A message's words, without its images."""
    if isinstance(message.content, str):
        return message.content
    return "\n".join(part.text for part in message.content if isinstance(part, TextContent))


def _subject(call: ChatCall) -> str:
    text = _last_user(call)
    marker = _TEXT.search(text)
    return text[marker.end() :].strip() if marker else text.strip()


def _last_user(call: ChatCall) -> str:
    users = [m for m in call.messages if m.role == "user"]
    return plain_text((users or call.messages)[-1])


def _chosen_tool(call: ChatCall, text: str) -> ToolDefinition | None:
    if not call.tools or call.tool_choice == "none":
        return None
    named = next((t for t in call.tools if t.name == call.tool_choice), None)
    if named is not None:
        return named
    labels = {t.name: [t.name.replace("_", " "), t.description] for t in call.tools}
    chosen = classify(text, labels)
    return next(t for t in call.tools if t.name == chosen)


def _tasked(prompt: str, text: str) -> str:
    if categories := categories_in(prompt):
        return _json(chosen_category(categories, text))
    schema = schema_in(prompt)
    return "" if schema is None else _json(fill_schema(schema, text))


def _directed(prompt: str, text: str) -> str:
    lines: list[str] = []
    for match in _DIRECTIVE.finditer(prompt):
        if match.group(1).lower() == "labels":
            lines.append(f"category: {classify(text, parse_labels(match.group(2)))}")
        else:
            fields = [f.strip(" .") for f in match.group(2).split(",")]
            lines.extend(f"{f}: {extract_named(f, text) or 'unknown'}" for f in fields if f)
    return "\n".join(lines)


def _summary(text: str) -> str:
    found = _SENTENCE.search(text)
    first = found.group(0).strip() if found else ""
    return f"You wrote: {first} ({len(text.split())} words)"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
