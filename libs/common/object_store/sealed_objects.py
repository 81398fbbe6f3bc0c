"""Objects that are encrypted under a key of their own, which stands where they are named.

Who can list the store reads nothing, and who may read the name may read the object.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from libs.common.errors import PlatformFault

INLINE_BYTES = 256 * 1024
"""Whatever is larger goes through the object store."""

_KEY_BITS = 256
# Each key encrypts one object, so the nonce need not differ.
_NONCE = bytes(12)


def new_key() -> str:
    """A key for one object, as hex."""
    return AESGCM.generate_key(_KEY_BITS).hex()


def sealed(body: bytes, key: str) -> bytes:
    """What to store."""
    return AESGCM(bytes.fromhex(key)).encrypt(_NONCE, body, None)


def opened(stored: bytes, key: str) -> bytes:
    """What was sealed. Raises PlatformFault where the object or the key is another."""
    try:
        return AESGCM(bytes.fromhex(key)).decrypt(_NONCE, stored, None)
    except (InvalidTag, ValueError) as error:
        raise PlatformFault("A large body was altered in the object store.") from error
