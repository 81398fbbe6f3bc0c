"""The index from a key's hash to what it opens: read on every request, so kept warm."""

from datetime import timedelta

from libs.common.state_store.store import Namespace, StateStore
from services.backend.domain.identity.keys import PLATFORM_TENANT, Principal

API_KEYS = Namespace(name="api_keys", ttl=timedelta(minutes=5))


class KeyIndex:
    """Closing a key reaches every replica through the store's invalidation."""

    def __init__(self, store: StateStore) -> None:
        self._store = store

    async def find(self, key_hash: str) -> Principal | None:
        record = await self._store.get(API_KEYS, PLATFORM_TENANT, key_hash)
        return None if record is None else Principal.model_validate_json(record.value)

    async def open(self, principal: Principal, key_hash: str) -> None:
        value = principal.model_dump_json().encode()
        await self._store.put(API_KEYS, PLATFORM_TENANT, key_hash, value)

    async def close(self, key_hash: str) -> None:
        await self._store.delete(API_KEYS, PLATFORM_TENANT, key_hash)
