"""Credentials of model providers on the native API."""

from typing import Annotated, Self

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from libs.common.strict_json import StrictJsonRoute
from services.backend.app.models.provider_credentials import ProviderCredentials
from services.backend.domain.identity.keys import Principal
from services.backend.interface.http.callers import CallerOf

ProviderName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]


class ProviderBody(BaseModel):
    """`base_url` None: the provider's own address. `api_key` empty: a host that asks for none."""

    model_config = ConfigDict(frozen=True)

    api_key: SecretStr = Field(default=SecretStr(""), max_length=8192)
    base_url: str | None = Field(default=None, max_length=2048, pattern=r"^https?://[^\s]+$")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.api_key.get_secret_value() and self.base_url is None:
            raise ValueError("needs an api_key, a base_url or both")
        return self


class ProviderView(BaseModel):
    """What is told of a credential: never the key."""

    name: str
    base_url: str | None
    revision: int


def native_provider_router(caller: CallerOf, credentials: ProviderCredentials) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["providers"], route_class=StrictJsonRoute)
    # A base URL is reached whatever its address, so only an admin may set one.
    admin = Depends(caller.of("adm"))

    @router.put("/providers/{name}")
    async def put(
        name: ProviderName, body: ProviderBody, who: Annotated[Principal, admin]
    ) -> ProviderView:
        secret = body.api_key.get_secret_value()
        revision = await credentials.store(who.tenant_id, name, secret, body.base_url)
        return ProviderView(name=name, base_url=body.base_url, revision=revision)

    @router.get("/providers/{name}")
    async def show(name: ProviderName, who: Annotated[Principal, admin]) -> ProviderView:
        found = await credentials.show(who.tenant_id, name)
        return ProviderView(name=name, base_url=found.base_url, revision=found.revision)

    @router.delete("/providers/{name}", status_code=204)
    async def delete(name: ProviderName, who: Annotated[Principal, admin]) -> None:
        await credentials.delete(who.tenant_id, name)

    _ = (put, show, delete)
    return router
