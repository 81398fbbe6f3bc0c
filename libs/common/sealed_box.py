"""Secrets at rest: AES-256-GCM envelopes bound to a tenant and a purpose.

Each secret has a random data key of its own; the master key encrypts only data keys, so that
replacing it re-wraps a few bytes a secret (`reseal`). The box names its master key, so several
can be in use while one is being replaced.

Layout, base64url without padding: version (1 byte, 1), master key id (8), nonce (12) and wrapped
data key (48), nonce (12) and ciphertext (length + 16).
"""

import base64
import binascii
import hashlib
import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from libs.common.errors import PlatformFault

_VERSION = b"\x01"
_KEY_BYTES = 32
MASTER_KEY_ID_BYTES = 8
_NONCE_BYTES = 12
_WRAPPED_BYTES = _KEY_BYTES + 16
_HEAD_BYTES = len(_VERSION) + MASTER_KEY_ID_BYTES
_BODY_AT = _HEAD_BYTES + _NONCE_BYTES + _WRAPPED_BYTES


class SealedBoxRefused(PlatformFault):
    """The key is not here, or the box was altered or belongs elsewhere."""

    code = "sealed_box_refused"
    title = "A stored secret cannot be opened"
    retryable = False


class SealedBox:
    """Seals with the first of `master_keys` and opens with any of them.

    `master_keys` are 32 random bytes each, as base64; several are separated by commas. Raises
    SealedBoxRefused when one is not.
    """

    def __init__(self, master_keys: SecretStr) -> None:
        keys = [decoded_master_key(key) for key in master_keys.get_secret_value().split(",")]
        self._current = master_key_id(keys[0])
        self._ciphers = {master_key_id(key): AESGCM(key) for key in keys}

    def seal(self, secret: bytes, *, tenant_id: UUID, purpose: str) -> bytes:
        """An ASCII box that opens only for the same tenant and purpose."""
        data_key = AESGCM.generate_key(_KEY_BYTES * 8)
        bound = _bound(tenant_id, purpose)
        nonce = os.urandom(_NONCE_BYTES)
        body = nonce + AESGCM(data_key).encrypt(nonce, secret, bound)
        return _encoded(self._wrapped(data_key, bound) + body)

    def open(self, box: bytes, *, tenant_id: UUID, purpose: str) -> bytes:
        """The secret. Raises SealedBoxRefused."""
        raw, bound = _raw(box), _bound(tenant_id, purpose)
        data_key = self._unwrapped(raw, bound)
        return _decrypted(AESGCM(data_key), raw[_BODY_AT:], bound)

    def knows(self, box: bytes) -> bool:
        """Whether the master key that `box` was sealed with is here."""
        return _raw(box)[len(_VERSION) : _HEAD_BYTES] in self._ciphers

    def reseal(self, box: bytes, *, tenant_id: UUID, purpose: str) -> bytes:
        """The same secret under the current master key; the same box when it is that already."""
        raw, bound = _raw(box), _bound(tenant_id, purpose)
        if raw[len(_VERSION) : _HEAD_BYTES] == self._current:
            return box
        return _encoded(self._wrapped(self._unwrapped(raw, bound), bound) + raw[_BODY_AT:])

    def _wrapped(self, data_key: bytes, bound: bytes) -> bytes:
        head = _VERSION + self._current
        nonce = os.urandom(_NONCE_BYTES)
        wrapped = self._ciphers[self._current].encrypt(nonce, data_key, head + bound)
        return head + nonce + wrapped

    def _unwrapped(self, raw: bytes, bound: bytes) -> bytes:
        head = raw[:_HEAD_BYTES]
        cipher = self._ciphers.get(head[len(_VERSION) :])
        if cipher is None:
            raise SealedBoxRefused("The secret was sealed with a master key that is not here.")
        return _decrypted(cipher, raw[_HEAD_BYTES:_BODY_AT], head + bound)


def _decrypted(cipher: AESGCM, text: bytes, bound: bytes) -> bytes:
    try:
        return cipher.decrypt(text[:_NONCE_BYTES], text[_NONCE_BYTES:], bound)
    except InvalidTag as error:
        raise SealedBoxRefused(
            "The secret was altered, or belongs to another tenant or purpose."
        ) from error


def _bound(tenant_id: UUID, purpose: str) -> bytes:
    return tenant_id.bytes + purpose.encode()


def master_key_id(key: bytes) -> bytes:
    """The name of a master key, 8 bytes, which says nothing about it."""
    return hashlib.sha256(b"heddle master key\x00" + key).digest()[:MASTER_KEY_ID_BYTES]


def decoded_master_key(key: str) -> bytes:
    """The 32 bytes of one master key from the settings. Raises SealedBoxRefused."""
    try:
        decoded = base64.b64decode(key.strip(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if len(decoded) != _KEY_BYTES:
        raise SealedBoxRefused("A master key is 32 bytes as base64.") from None
    return decoded


def _encoded(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def _raw(box: bytes) -> bytes:
    try:
        raw = base64.b64decode(box + b"=" * (-len(box) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if raw[:1] != _VERSION or len(raw) < _BODY_AT + _NONCE_BYTES + 16:
        raise SealedBoxRefused("This is no sealed box of a known version.") from None
    return raw
