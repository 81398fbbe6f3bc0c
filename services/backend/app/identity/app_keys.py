"""Make, list and revoke keys.

An app's key is derived from the master key and its id, so that a repeated request is answered with
the same key although only its hash is stored.
"""

from dataclasses import dataclass, field
from uuid import UUID, uuid5

from libs.common.errors import NotFound
from libs.common.identifiers import uuid7
from services.backend.app.identity.key_index import KeyIndex
from services.backend.app.ports.api_key_repository import ApiKeyRepository
from services.backend.app.ports.credential_sealer import CredentialSealer
from services.backend.domain.identity.keys import (
    KeyRecord,
    Principal,
    key_from_number,
    key_hash,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeKey:
    """`key` is told once; only its hash is stored."""

    key_id: UUID
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPage:
    """`more`: ask again after the last key's id."""

    keys: tuple[KeyRecord, ...]
    more: bool


class AppKeys:
    def __init__(self, keys: ApiKeyRepository, index: KeyIndex, sealer: CredentialSealer) -> None:
        self._keys = keys
        self._index = index
        self._sealer = sealer

    async def create(self, tenant_id: UUID, app_id: UUID, occasion: str | None) -> MadeKey:
        """A key of the app: the same for the same `occasion` while it is not revoked, a new one
        for None."""
        key_id = uuid7() if occasion is None else uuid5(app_id, occasion)
        purpose = f"app-key/{tenant_id}/{app_id}/{key_id}"
        key = key_from_number("app", self._sealer.derived_number(purpose))
        principal = Principal(tenant_id=tenant_id, key_id=key_id, kind="app", app_id=app_id)
        added = await self._keys.add(principal, key_hash(key), key[-4:])
        if not added and not await self._keys.is_open(tenant_id, key_hash(key)):
            return await self.create(tenant_id, app_id, None)
        # Also when it stood there: the first attempt may have died between the two writes.
        await self._index.open(principal, key_hash(key))
        return MadeKey(key_id=key_id, key=key)

    async def page(
        self, tenant_id: UUID, *, app_id: UUID | None, after: UUID | None, limit: int
    ) -> KeyPage:
        """Keys that open something, by id."""
        found = await self._keys.open_keys(tenant_id, app_id=app_id, after=after, limit=limit + 1)
        return KeyPage(keys=tuple(found[:limit]), more=len(found) > limit)

    async def revoke(self, tenant_id: UUID, key_id: UUID) -> None:
        """Close a key everywhere. Idempotent. Raises NotFound."""
        # Also when it was closed before: that attempt may have died between the two writes.
        closed = await self._keys.revoke(tenant_id, key_id)
        if closed is None:
            raise NotFound("There is no such key.")
        await self._index.close(closed)
