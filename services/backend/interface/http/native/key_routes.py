"""Listing and revoking keys on the native API."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from services.backend.app.apps.show_apps import ShowApps
from services.backend.app.identity.app_keys import AppKeys
from services.backend.domain.identity.keys import KeyRecord, Principal
from services.backend.interface.http.callers import CallerOf

Limit = Annotated[int, Query(ge=1, le=200)]


class ListedKey(BaseModel):
    """Never the key itself. `kind` app, ws or adm; `app_id` of an app's key only. `last4` are its
    last characters. Unix seconds; `last_used_at` is at most half a minute behind, None: never."""

    key_id: UUID
    kind: str
    app_id: UUID | None
    last4: str
    created_at: float
    last_used_at: float | None

    @classmethod
    def of(cls, key: KeyRecord) -> "ListedKey":
        used = key.last_used_at
        return cls(
            key_id=key.key_id,
            kind=key.kind,
            app_id=key.app_id,
            last4=key.last4,
            created_at=key.created_at.timestamp(),
            last_used_at=None if used is None else used.timestamp(),
        )


class KeyList(BaseModel):
    """By id. `has_more`: ask again with `after` the last key's id."""

    keys: list[ListedKey]
    has_more: bool


def native_key_router(caller: CallerOf, keys: AppKeys, apps: ShowApps) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["keys"])
    admin = Depends(caller.of("adm"))
    workspace = Depends(caller.of("adm", "ws"))

    async def page(who: Principal, app_id: UUID | None, after: UUID | None, limit: int) -> KeyList:
        found = await keys.page(who.tenant_id, app_id=app_id, after=after, limit=limit)
        return KeyList(keys=[ListedKey.of(key) for key in found.keys], has_more=found.more)

    @router.get("/keys")
    async def all_keys(
        who: Annotated[Principal, admin], after: UUID | None = None, limit: Limit = 100
    ) -> KeyList:
        """Every key of the workspace that is not revoked."""
        return await page(who, None, after, limit)

    @router.get("/apps/{app_id}/keys")
    async def keys_of_app(
        app_id: UUID,
        who: Annotated[Principal, workspace],
        after: UUID | None = None,
        limit: Limit = 100,
    ) -> KeyList:
        await apps.one(who.tenant_id, app_id)
        return await page(who, app_id, after, limit)

    @router.delete("/keys/{key_id}", status_code=204)
    async def revoke(key_id: UUID, who: Annotated[Principal, admin]) -> None:
        """In force everywhere within a second."""
        await keys.revoke(who.tenant_id, key_id)

    _ = (all_keys, keys_of_app, revoke)
    return router
