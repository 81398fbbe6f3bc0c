"""Sheets: what a vendor's YAML says, checked field by field."""

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Capability = Literal["streaming", "tools", "vision", "json_schema", "json_object", "reasoning"]
ModelType = Literal["completion", "embedding", "rerank"]


class _Sheet(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CredentialField(_Sheet):
    """One thing an operator enters. A `secret` is sealed at rest and never shown again."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: str
    secret: bool = False
    required: bool = True


class Auth(_Sheet):
    """How the key travels: `bearer` in Authorization, `header` under `header`, `none` not."""

    style: Literal["bearer", "header", "none"] = "bearer"
    header: str | None = None


class Quirks(_Sheet):
    """Where a vendor's dialect of its wire differs, as data.

    `max_tokens_field` is the name under which a limit of new tokens is sent. `usage_in_stream`
    False: the vendor rejects `stream_options`. `drop_parameters` are never sent.
    """

    max_tokens_field: str = "max_tokens"
    usage_in_stream: bool = True
    drop_parameters: tuple[str, ...] = ()


class ProviderSheet(_Sheet):
    """`provider.yaml`. `base_url` None: the operator must set one with the credential."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")
    name: str
    wire: str
    base_url: str | None = None
    auth: Auth = Auth()
    credential: tuple[CredentialField, ...] = ()
    quirks: Quirks = Quirks()
    notes: str = ""

    @property
    def needs_credential(self) -> bool:
        """Whether calls are impossible until an operator has entered something."""
        return any(field.required for field in self.credential)


class ParameterLimit(_Sheet):
    """Bounds of a sampling parameter, both inclusive; None is unbounded."""

    type: Literal["number", "integer", "boolean", "string", "strings", "object"] = "number"
    min: float | None = None
    max: float | None = None


class Prices(_Sheet):
    """Decimal prices of `unit` tokens in `currency`."""

    currency: str = Field(pattern=r"^[A-Z]{3}$")
    unit: int = Field(gt=0)
    prompt: Decimal = Decimal(0)
    completion: Decimal = Decimal(0)


class ModelSheet(_Sheet):
    """One entry of `models.yaml`. `id` "*" matches every model that has no entry of its own."""

    id: str
    type: ModelType = "completion"
    name: str = ""
    context_tokens: int | None = Field(default=None, gt=0)
    max_output_tokens: int | None = Field(default=None, gt=0)
    capabilities: tuple[Capability, ...] = ()
    parameters: dict[str, ParameterLimit] = {}
    prices: Prices | None = None
    options: dict[str, JsonValue] = {}


class ModelsSheet(_Sheet):
    models: tuple[ModelSheet, ...]
