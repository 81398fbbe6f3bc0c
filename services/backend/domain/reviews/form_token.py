"""What leads to one form: its address, how long it holds, and a signature."""

import base64
import binascii
from dataclasses import dataclass
from uuid import UUID

_SIGNATURE_BYTES = 16
_PLACE_BYTES = 16 + 16 + 8
_ID_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class FormAddress:
    """`expires_at` is Unix seconds, whole; `delivery_id` None: it was sent to nobody."""

    tenant_id: UUID
    form_id: UUID
    expires_at: int
    delivery_id: UUID | None = None

    @property
    def purpose(self) -> str:
        """What a signature is made for."""
        place = f"form/{self.tenant_id}/{self.form_id}/{self.expires_at}"
        return place if self.delivery_id is None else f"{place}/{self.delivery_id}"


def form_token(address: FormAddress, signature: int) -> str:
    """Text for an URL; `signature` is a 256-bit number."""
    parts = (
        address.tenant_id.bytes,
        address.form_id.bytes,
        address.expires_at.to_bytes(8, "big"),
        b"" if address.delivery_id is None else address.delivery_id.bytes,
        signature.to_bytes(32, "big")[:_SIGNATURE_BYTES],
    )
    return base64.urlsafe_b64encode(b"".join(parts)).rstrip(b"=").decode()


def address_of(token: str) -> FormAddress | None:
    """The address that `token` names, whoever signed it; None for what is no token."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    delivery = raw[_PLACE_BYTES:-_SIGNATURE_BYTES]
    if len(raw) < _PLACE_BYTES + _SIGNATURE_BYTES or len(delivery) not in {0, _ID_BYTES}:
        return None
    return FormAddress(
        tenant_id=UUID(bytes=raw[:16]),
        form_id=UUID(bytes=raw[16:32]),
        expires_at=int.from_bytes(raw[32:40], "big"),
        delivery_id=UUID(bytes=delivery) if delivery else None,
    )
