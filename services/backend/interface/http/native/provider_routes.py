"""Credentials of model providers on the native API."""

from typing import Annotated, Self

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from libs.common.strict_json import StrictJsonRoute
from services.backend.app.models.provider_credentials import (
    ListedProvider,
    ProviderCredentials,
)
from services.backend.domain.identity.keys import Principal
from services.backend.interface.http.callers import CallerOf

ProviderName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]


class ProviderBody(BaseModel):
    """`base_url` None: the provider's own address. `api_key` empty: a host that asks for none."""

    # What is no field here is told by the catalogue, with the nearest that is one.
    model_config = ConfigDict(frozen=True, extra="allow")

    api_key: SecretStr = Field(default=SecretStr(""), max_length=8192)
    base_url: str | None = Field(default=None, max_length=2048, pattern=r"^https?://[^\s]+$")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.api_key.get_secret_value() and not self.base_url and not self.model_extra:
            raise ValueError("needs an api_key, a base_url or both")
        return self


class ProviderView(BaseModel):
    """What is told of a credential: never the key."""

    name: str
    base_url: str | None
    revision: int


class FieldView(BaseModel):
    """One thing to enter; a `secret` is never shown again."""

    name: str
    label: str
    secret: bool
    required: bool


class ListedProviderView(BaseModel):
    """`configured`: something was entered, and `revision` says how often. `known` False: it has a
    credential and no sheet. `any_model`: it takes model names beyond its sheets."""

    name: str
    title: str
    base_url: str | None
    fields: list[FieldView]
    any_model: bool
    known: bool
    configured: bool
    revision: int

    @classmethod
    def of(cls, listed: ListedProvider) -> Self:
        entry, stored = listed.entry, listed.stored
        fields = entry.fields if entry else ()
        default = entry.base_url if entry else None
        return cls(
            name=listed.name,
            title=entry.name if entry else "",
            base_url=(stored.base_url if stored else None) or default,
            fields=[FieldView(**field.model_dump()) for field in fields],
            any_model=entry.any_model if entry else False,
            known=entry is not None,
            configured=stored is not None,
            revision=stored.revision if stored else 0,
        )


class ProviderListView(BaseModel):
    """By name."""

    providers: list[ListedProviderView]


def native_provider_router(caller: CallerOf, credentials: ProviderCredentials) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["providers"], route_class=StrictJsonRoute)
    # A base URL is reached whatever its address, so only an admin may set one.
    admin = Depends(caller.of("adm"))

    @router.put("/providers/{name}")
    async def put(
        name: ProviderName, body: ProviderBody, who: Annotated[Principal, admin]
    ) -> ProviderView:
        secret = body.api_key.get_secret_value()
        others = {field: str(value) for field, value in (body.model_extra or {}).items()}
        revision = await credentials.store(who.tenant_id, name, secret, body.base_url, others)
        return ProviderView(name=name, base_url=body.base_url, revision=revision)

    @router.get("/providers")
    async def listed(who: Annotated[Principal, admin]) -> ProviderListView:
        found = await credentials.listed(who.tenant_id)
        return ProviderListView(providers=[ListedProviderView.of(each) for each in found])

    @router.get("/providers/{name}")
    async def show(name: ProviderName, who: Annotated[Principal, admin]) -> ProviderView:
        found = await credentials.show(who.tenant_id, name)
        return ProviderView(name=name, base_url=found.base_url, revision=found.revision)

    @router.delete("/providers/{name}", status_code=204)
    async def delete(name: ProviderName, who: Annotated[Principal, admin]) -> None:
        await credentials.delete(who.tenant_id, name)

    _ = (put, listed, show, delete)
    return router
