"""Runs sealed under keys that are derived from the master key, one a run.

Layout: mark (8 bytes), master key id (8), nonce (12), AES-256-GCM ciphertext (length + 16). The
mark begins with U+0000, as no JSON does.
"""

import hmac
import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from libs.common.sealed_box import (
    MASTER_KEY_ID_BYTES,
    SealedBoxRefused,
    decoded_master_key,
    master_key_id,
)

_MARK = b"\x00sealed\x01"
_NONCE_BYTES = 12
_ID_AT = len(_MARK)
_NONCE_AT = _ID_AT + MASTER_KEY_ID_BYTES
_TEXT_AT = _NONCE_AT + _NONCE_BYTES


class RunSeal:
    """Implements RunSealing. Seals with the first of `master_keys` (as in the settings) and opens
    with any of them. Raises SealedBoxRefused when one is no key."""

    def __init__(self, master_keys: SecretStr) -> None:
        keys = [decoded_master_key(key) for key in master_keys.get_secret_value().split(",")]
        self._current = master_key_id(keys[0])
        self._keys = {master_key_id(key): key for key in keys}

    def seal(self, payload: bytes, *, tenant_id: UUID, run_id: UUID, place: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        cipher = AESGCM(self._derived(self._current, b"seal", tenant_id, run_id))
        return _MARK + self._current + nonce + cipher.encrypt(nonce, payload, place.encode())

    def reveal(self, stored: bytes, *, tenant_id: UUID, run_id: UUID, place: str) -> bytes:
        if not stored.startswith(_MARK):
            return stored
        cipher = AESGCM(self._derived(stored[_ID_AT:_NONCE_AT], b"seal", tenant_id, run_id))
        try:
            return cipher.decrypt(stored[_NONCE_AT:_TEXT_AT], stored[_TEXT_AT:], place.encode())
        except (InvalidTag, ValueError) as error:
            raise SealedBoxRefused("A run's data was altered or belongs elsewhere.") from error

    def digest(self, text: str, *, tenant_id: UUID, run_id: UUID) -> str:
        # Under the oldest key: the new one joins in front, and a hash must outlive that.
        oldest = next(reversed(self._keys))
        key = self._derived(oldest, b"hash", tenant_id, run_id)
        return hmac.digest(key, text.encode(), "sha256").hex()

    def _derived(self, key_id: bytes, use: bytes, tenant_id: UUID, run_id: UUID) -> bytes:
        key = self._keys.get(key_id)
        if key is None:
            raise SealedBoxRefused("A run's data was sealed with a master key that is not here.")
        about = b"heddle run\x00" + use + tenant_id.bytes + run_id.bytes
        return hmac.digest(key, about, "sha256")
