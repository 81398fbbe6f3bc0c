"""A tool call as it crosses the wall to the plugin service."""

from pydantic import BaseModel, ConfigDict, JsonValue

from libs.common.contracts.envelope import EffectClass


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class ToolCall(_Frozen):
    """`tool` is `bundle/tool`, or another name that its sheet gives it. Arguments may be written as
    text where the tool takes a number, a boolean, a list or an object."""

    tool: str
    arguments: dict[str, JsonValue] = {}


class ToolResult(_Frozen):
    """What a tool gave: text for people and models, JSON for programs."""

    text: str = ""
    data: JsonValue = None


class ToolQuery(_Frozen):
    bundle: str | None = None


class ToolEntry(_Frozen):
    """`also_known_as` are more names that a call may use. `input_schema` and `output_schema` are
    JSON Schemas."""

    id: str
    title: str
    description: str
    effect_class: EffectClass
    also_known_as: tuple[str, ...] = ()
    input_schema: dict[str, JsonValue]
    output_schema: dict[str, JsonValue]


class ToolList(_Frozen):
    tools: tuple[ToolEntry, ...]
