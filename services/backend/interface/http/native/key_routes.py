"""Revoking keys on the native API."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from services.backend.app.identity.app_keys import AppKeys
from services.backend.domain.identity.keys import Principal
from services.backend.interface.http.callers import CallerOf


def native_key_router(caller: CallerOf, keys: AppKeys) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["keys"])
    admin = Depends(caller.of("adm"))

    @router.delete("/keys/{key_id}", status_code=204)
    async def revoke(key_id: UUID, who: Annotated[Principal, admin]) -> None:
        """In force everywhere within a second."""
        await keys.revoke(who.tenant_id, key_id)

    _ = revoke
    return router
