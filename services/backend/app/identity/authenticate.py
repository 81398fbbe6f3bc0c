"""Find out who calls."""

from collections.abc import Collection

from libs.common.errors import Unauthenticated
from services.backend.app.identity.key_index import KeyIndex
from services.backend.app.identity.key_uses import KeyUses
from services.backend.domain.identity.keys import KeyKind, Principal, is_key, key_hash


class Authenticate:
    def __init__(self, index: KeyIndex, uses: KeyUses) -> None:
        self._index = index
        self._uses = uses

    async def __call__(self, authorization: str | None, kinds: Collection[KeyKind]) -> Principal:
        """The caller behind an `Authorization` header, if its key is of one of `kinds`.

        Raises Unauthenticated, with the same words for a wrong, a revoked and an unfit key.
        """
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise Unauthenticated("Authorization header must be provided and start with 'Bearer'")
        key = key.strip()
        principal = await self._index.find(key_hash(key)) if is_key(key) else None
        if principal is None or principal.kind not in kinds:
            raise Unauthenticated("Access token is invalid")
        self._uses.note(principal)
        return principal
