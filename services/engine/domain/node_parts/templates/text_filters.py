"""Filters that make text. Names and meanings are Jinja2's."""

import json
import re
from html import escape
from string import Formatter
from urllib.parse import quote

from services.engine.domain.node_parts.templates.budget import TemplateFailed
from services.engine.domain.node_parts.templates.operators import format_text, guarded
from services.engine.domain.node_parts.templates.template_values import (
    Escaped,
    TemplateValue,
    Tools,
    Undefined,
    to_items,
    to_text,
    weigh,
)

_WORD_START = re.compile(r"([-\s({\[<]+)")
_DIGITS = re.compile(r"\d+")
_WIDTH_DIGITS = 3
_WIDEST_INDENT = 16
_WORD = re.compile(r"\w+")


def _text(tools: Tools, value: TemplateValue) -> str:
    text = to_text(tools.budget, value)
    tools.budget.produce(len(text))
    return text


def upper(tools: Tools, value: TemplateValue) -> str:
    return _text(tools, value).upper()


def lower(tools: Tools, value: TemplateValue) -> str:
    return _text(tools, value).lower()


def capitalize(tools: Tools, value: TemplateValue) -> str:
    return _text(tools, value).capitalize()


def title(tools: Tools, value: TemplateValue) -> str:
    pieces = _WORD_START.split(_text(tools, value))
    return "".join(piece[:1].upper() + piece[1:].lower() for piece in pieces)


def trim(tools: Tools, value: TemplateValue, chars: str | None = None) -> str:
    return _text(tools, value).strip(chars)


def string(tools: Tools, value: TemplateValue) -> str:
    return _text(tools, value)


def escaped(tools: Tools, value: TemplateValue) -> str:
    if isinstance(value, Escaped):
        return value
    text = _text(tools, value)
    tools.budget.produce(len(text) * 5)
    html = escape(text, quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
    return Escaped(html)


def safe(tools: Tools, value: TemplateValue) -> str:
    return Escaped(_text(tools, value))


def replace(
    tools: Tools, value: TemplateValue, old: TemplateValue, new: TemplateValue, count: int = -1
) -> str:
    text, searched, substitute = (_text(tools, each) for each in (value, old, new))
    found = text.count(searched) if count < 0 else min(count, text.count(searched))
    tools.budget.produce(found * len(substitute))
    return text.replace(searched, substitute, count)


def join(
    tools: Tools,
    value: TemplateValue,
    d: TemplateValue = "",
    attribute: TemplateValue = None,
) -> str:
    items = tools.filters["map"](tools, value, attribute=attribute) if attribute else value
    pieces = [to_text(tools.budget, item) for item in to_items(tools.budget, items)]
    between = to_text(tools.budget, d)
    tools.budget.produce(sum(map(len, pieces)) + len(between) * len(pieces))
    return between.join(pieces)


def center(tools: Tools, value: TemplateValue, width: int = 80) -> str:
    tools.budget.produce(max(width, 0))
    return _text(tools, value).center(width)


def indent(
    tools: Tools,
    value: TemplateValue,
    width: int | str = 4,
    first: bool = False,
    blank: bool = False,
) -> str:
    text = _text(tools, value)
    tools.budget.produce(width if isinstance(width, int) else len(width))
    margin = " " * width if isinstance(width, int) else width
    lines = (text + "\n").splitlines()
    tools.budget.produce(len(margin) * len(lines))
    head, *rest = lines or [""]
    indented = [head, *((margin + line if line or blank else line) for line in rest)]
    result = "\n".join(indented)
    return margin + result if first else result


def truncate(
    tools: Tools,
    value: TemplateValue,
    length: int = 255,
    killwords: bool = False,
    end: str = "...",
    leeway: int | None = None,
) -> str:
    text = _text(tools, value)
    spare = 5 if leeway is None else leeway
    if length < len(end) or spare < 0:
        raise TemplateFailed(f"expected length >= {len(end)}, got {length}", "AssertionError")
    if len(text) <= length + spare:
        return text
    cut = text[: length - len(end)]
    return (cut if killwords else cut.rsplit(" ", 1)[0]) + end


def wordcount(tools: Tools, value: TemplateValue) -> int:
    return len(_WORD.findall(_text(tools, value)))


def formatted(
    tools: Tools, value: TemplateValue, *args: TemplateValue, **named: TemplateValue
) -> str:
    if args and named:
        raise TemplateFailed("can't handle positional and keyword arguments at the same time")
    return format_text(tools.budget, _text(tools, value), {**named} if named else args)


def filled(tools: Tools, value: TemplateValue, *args: TemplateValue, **named: TemplateValue) -> str:
    """`"{:.2f}".format(x)`, without a way into the values' attributes or elements."""
    pattern = _text(tools, value)
    for _, field, spec, _ in _fields(pattern):
        if field is not None and ("." in field or "[" in field):
            raise TemplateFailed(f"unsupported field {field!r}", "SecurityError")
        if spec and any(len(digits) > _WIDTH_DIGITS for digits in _DIGITS.findall(spec)):
            raise TemplateFailed("a field is too wide", "ValueError")
        if spec and "{" in spec:
            raise TemplateFailed(f"unsupported format {spec!r}", "ValueError")
        tools.budget.produce(10**_WIDTH_DIGITS if spec else 0)
    for item in (*args, *named.values()):
        weigh(tools.budget, item)
    return str(guarded(lambda: pattern.format(*args, **named)))


def _fields(pattern: str) -> list[tuple[str, str | None, str | None, str | None]]:
    try:
        return list(Formatter().parse(pattern))
    except ValueError as error:
        raise TemplateFailed(str(error), "ValueError") from error


def urlencode(tools: Tools, value: TemplateValue) -> str:
    if isinstance(value, str) or not isinstance(value, (list, tuple, dict)):
        text = _text(tools, value)
        tools.budget.produce(len(text) * 12)
        return quote(text, safe="/")
    pairs = value.items() if isinstance(value, dict) else (_pair(tools, item) for item in value)
    weigh(tools.budget, value)
    return "&".join(f"{_query(tools, name)}={_query(tools, item)}" for name, item in pairs)


def _query(tools: Tools, value: TemplateValue) -> str:
    return quote(_text(tools, value), safe="").replace("%20", "+")


def _pair(tools: Tools, item: TemplateValue) -> tuple[TemplateValue, TemplateValue]:
    both = to_items(tools.budget, item)
    if len(both) != 2:
        raise TemplateFailed("urlencode takes pairs", "ValueError")
    return both[0], both[1]


_HTML_IN_JSON = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "'": "\\u0027"})


def tojson(tools: Tools, value: TemplateValue, indent: int | None = None) -> str:
    if isinstance(value, Undefined):
        raise TemplateFailed("Object of type Undefined is not JSON serializable", "TypeError")
    weigh(tools.budget, value)
    if indent is not None and indent > _WIDEST_INDENT:
        raise TemplateFailed("the indentation is too wide", "ValueError")
    text = guarded(lambda: json.dumps(value, sort_keys=True, indent=indent))
    # Jinja2 makes JSON safe to stand inside HTML; templates written for it expect the same text.
    return Escaped(str(text).translate(_HTML_IN_JSON))
