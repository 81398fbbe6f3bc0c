"""Secret environment variables of apps on the native API."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from libs.common.strict_json import StrictJsonRoute
from services.backend.app.apps.environment_secrets import EnvironmentSecrets
from services.backend.domain.identity.keys import Principal
from services.backend.interface.http.callers import CallerOf

VariableName = Annotated[str, Path(max_length=255)]


class SecretBody(BaseModel):
    """The variable's new value, at most 200 KiB."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: SecretStr = Field(max_length=200 * 1024)


class SecretView(BaseModel):
    """What is told of a secret: never the value. `version` is the draft's."""

    name: str
    version: int


def native_secret_router(caller: CallerOf, secrets: EnvironmentSecrets) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["apps"], route_class=StrictJsonRoute)
    workspace = Depends(caller.of("adm", "ws"))

    @router.put("/apps/{app_id}/secrets/{name}")
    async def change(
        app_id: UUID, name: VariableName, body: SecretBody, who: Annotated[Principal, workspace]
    ) -> SecretView:
        """For the draft; what is published keeps the value it has until it is published anew."""
        value = body.value.get_secret_value()
        version = await secrets.change(who.tenant_id, app_id, name, value)
        return SecretView(name=name, version=version)

    _ = change
    return router
