"""Signed, expiring addresses of uploaded files."""

import hmac
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from libs.common.clock import Clock
from libs.common.stored_file_links import end_of_link
from services.backend.app.ports.credential_sealer import CredentialSealer
from services.backend.domain.files.errors import FileUnknown
from services.backend.domain.files.file_token import FileAddress, address_of, file_token


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLinks:
    """Nothing is stored. `base_url` is where clients reach the backend, `lasting` for how long a
    link holds at least; it ends with a day."""

    sealer: CredentialSealer
    clock: Clock
    base_url: str
    lasting: timedelta

    def url(self, tenant_id: UUID, file_id: UUID) -> str:
        """Whoever has it may read the file."""
        expires_at = end_of_link(self.clock.now().timestamp(), self.lasting.total_seconds())
        address = FileAddress(tenant_id=tenant_id, file_id=file_id, expires_at=expires_at)
        token = file_token(address, self.sealer.derived_number(address.purpose))
        return f"{self.base_url.rstrip('/')}/files/{token}"

    def address(self, token: str) -> FileAddress:
        """Raises FileUnknown."""
        address = address_of(token)
        if address is None:
            raise FileUnknown("This link is not complete.")
        numbers = self.sealer.derived_numbers(address.purpose)
        ours = any(hmac.compare_digest(file_token(address, each), token) for each in numbers)
        if not ours or self.clock.now().timestamp() > address.expires_at:
            raise FileUnknown("This link does not hold, or no longer.")
        return address
