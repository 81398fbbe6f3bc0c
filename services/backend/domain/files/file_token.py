"""What opens one file for whoever has it: its address, how long it holds, and a signature."""

import base64
import binascii
from dataclasses import dataclass
from uuid import UUID

_SIGNATURE_BYTES = 16
_BYTES = 16 + 16 + 8 + _SIGNATURE_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAddress:
    """`expires_at` is Unix seconds, whole."""

    tenant_id: UUID
    file_id: UUID
    expires_at: int

    @property
    def purpose(self) -> str:
        """What a signature is made for."""
        return f"file/{self.tenant_id}/{self.file_id}/{self.expires_at}"


def file_token(address: FileAddress, signature: int) -> str:
    """Text for an URL; `signature` is a 256-bit number."""
    parts = (
        address.tenant_id.bytes,
        address.file_id.bytes,
        address.expires_at.to_bytes(8, "big"),
        signature.to_bytes(32, "big")[:_SIGNATURE_BYTES],
    )
    return base64.urlsafe_b64encode(b"".join(parts)).rstrip(b"=").decode()


def address_of(token: str) -> FileAddress | None:
    """The address that `token` names, whoever signed it; None for what is no token."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != _BYTES:
        return None
    return FileAddress(
        tenant_id=UUID(bytes=raw[:16]),
        file_id=UUID(bytes=raw[16:32]),
        expires_at=int.from_bytes(raw[32:40], "big"),
    )
