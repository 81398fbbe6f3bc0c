"""A tool call as it crosses the wall to the plugin service."""

from pydantic import BaseModel, ConfigDict, JsonValue


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class ToolCall(_Frozen):
    """`tool` is `bundle/tool`."""

    tool: str
    arguments: dict[str, JsonValue] = {}


class ToolResult(_Frozen):
    """What a tool gave: text for people and models, JSON for programs."""

    text: str = ""
    data: JsonValue = None


class ToolQuery(_Frozen):
    bundle: str | None = None


class ToolEntry(_Frozen):
    """`input_schema` and `output_schema` are JSON Schemas."""

    id: str
    title: str
    description: str
    effect_class: str
    input_schema: dict[str, JsonValue]
    output_schema: dict[str, JsonValue]


class ToolList(_Frozen):
    tools: tuple[ToolEntry, ...]
