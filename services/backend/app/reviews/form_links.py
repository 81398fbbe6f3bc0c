"""Signed, expiring links to forms."""

import hmac
import math
from dataclasses import dataclass
from uuid import UUID

from libs.common.clock import Clock
from libs.common.errors import NotFound
from services.backend.app.ports.credential_sealer import CredentialSealer
from services.backend.domain.reviews.form_token import FormAddress, address_of, form_token


class FormLinkUnknown(NotFound):
    """The link was altered, is over, or was signed under another master key."""

    code = "form_link_unknown"
    title = "This link leads nowhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormLinks:
    """Nothing is stored: a link holds for as long as its form can be answered."""

    sealer: CredentialSealer
    clock: Clock

    def token(self, tenant_id: UUID, form_id: UUID, expires_at: float) -> str:
        """Whoever has it may see the form and answer it."""
        address = FormAddress(
            tenant_id=tenant_id, form_id=form_id, expires_at=math.ceil(expires_at)
        )
        return form_token(address, self.sealer.derived_number(address.purpose))

    def address(self, token: str) -> FormAddress:
        """Raises FormLinkUnknown."""
        address = address_of(token)
        if address is None:
            raise FormLinkUnknown("This link is not complete.")
        made = form_token(address, self.sealer.derived_number(address.purpose))
        if not hmac.compare_digest(made, token) or self._is_over(address):
            raise FormLinkUnknown("This link does not hold, or no longer.")
        return address

    def _is_over(self, address: FormAddress) -> bool:
        # A day longer than the form, so that who comes late is told how it ended.
        return self.clock.now().timestamp() > address.expires_at + 86_400
