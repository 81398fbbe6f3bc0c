"""What the YAML of a bundle and of its tools says."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

_NAME = r"^[a-z][a-z0-9_]{0,63}$"


class _Sheet(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BundleSheet(_Sheet):
    """`bundle.yaml`: identity, and the tools in the order they are shown."""

    id: str = Field(pattern=_NAME)
    title: str
    description: str
    tools: tuple[str, ...]


class ToolSheet(_Sheet):
    """`<tool>.yaml`: what a caller must know. Schemas are JSON Schema 2020-12; `timeout_seconds`
    bounds one call; `also_known_as` are names that workflows from elsewhere call it by, as
    `provider/tool`. The handler is the coroutine `run` of `<tool>.py` beside it."""

    id: str = Field(pattern=_NAME)
    title: str
    description: str
    effect_class: Literal["idempotent", "keyed", "unsafe"]
    timeout_seconds: float = Field(gt=0, le=600)
    also_known_as: tuple[str, ...] = ()
    input_schema: dict[str, JsonValue]
    output_schema: dict[str, JsonValue]
