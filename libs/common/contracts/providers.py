"""The model providers that the catalogue knows."""

from pydantic import BaseModel, ConfigDict


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class ProviderQuery(_Frozen):
    """All of them."""


class ProviderField(_Frozen):
    """One thing that an operator enters. A `secret` is never shown again."""

    name: str
    label: str
    secret: bool = False
    required: bool = True


class ProviderEntry(_Frozen):
    """`base_url` None: the operator must set one. `any_model`: it takes names beyond its sheets."""

    id: str
    name: str
    base_url: str | None = None
    fields: tuple[ProviderField, ...] = ()
    any_model: bool = False


class ProviderList(_Frozen):
    """By id."""

    providers: tuple[ProviderEntry, ...]
