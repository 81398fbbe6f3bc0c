"""What a run's `env.*` variables are."""

from pydantic import BaseModel, ConfigDict, JsonValue


class EnvironmentValue(BaseModel):
    """An `env.*` value. A secret travels by `secret_version`, its `value` is then None."""

    model_config = ConfigDict(frozen=True)

    name: str
    value_type: str = "string"
    value: JsonValue = None
    secret_version: int | None = None
