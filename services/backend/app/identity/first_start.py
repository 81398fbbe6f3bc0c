"""Make the first tenant and its keys, once."""

import secrets
from uuid import UUID

from libs.common.identifiers import uuid7
from services.backend.app.identity.key_index import KeyIndex
from services.backend.app.ports.api_key_repository import ApiKeyRepository
from services.backend.app.ports.credentials_file import CredentialsFile, FirstKeys
from services.backend.app.ports.tenant_repository import TenantRepository
from services.backend.domain.identity.keys import (
    KeyKind,
    Principal,
    is_key,
    key_from_number,
    key_hash,
)

_FIRST_TENANT = "Default workspace"


class FirstStart:
    """After it, the keys in the credentials file open the first tenant.

    Keys of an existing file are honoured on a fresh database, so that losing the database does
    not change them; a lost file is replaced by one with new keys.
    """

    def __init__(
        self,
        tenants: TenantRepository,
        keys: ApiKeyRepository,
        index: KeyIndex,
        file: CredentialsFile,
    ) -> None:
        self._tenants = tenants
        self._keys = keys
        self._index = index
        self._file = file

    async def __call__(self) -> UUID:
        """The first tenant's id."""
        async with self._tenants.first_start_lock():
            tenant_id = await self._tenants.oldest()
            if tenant_id is None:
                tenant_id = uuid7()
                await self._tenants.add(tenant_id, _FIRST_TENANT)
            found = await self._file.read()
            keys = found if found is not None and _usable(found) else _minted()
            await self._admit(tenant_id, "ws", keys.workspace_api_key)
            await self._admit(tenant_id, "adm", keys.admin_token)
            if keys != found:
                await self._file.write(keys)
        return tenant_id

    async def _admit(self, tenant_id: UUID, kind: KeyKind, key: str) -> None:
        hashed = key_hash(key)
        if await self._index.find(hashed) is not None:
            return
        principal = Principal(tenant_id=tenant_id, key_id=uuid7(), kind=kind)
        if await self._keys.add(principal, hashed, key[-4:]) or await self._keys.is_open(
            tenant_id, hashed
        ):
            await self._index.open(principal, hashed)


def _usable(keys: FirstKeys) -> bool:
    return (
        is_key(keys.workspace_api_key)
        and keys.workspace_api_key.startswith("ws-")
        and is_key(keys.admin_token)
        and keys.admin_token.startswith("adm-")
    )


def _minted() -> FirstKeys:
    return FirstKeys(
        workspace_api_key=key_from_number("ws", secrets.randbits(256)),
        admin_token=key_from_number("adm", secrets.randbits(256)),
    )
