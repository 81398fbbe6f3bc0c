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
    """Nothing is stored: a link holds for as long as its form can be answered. `public_url` is
    where people reach this service; None: links are relative to it."""

    sealer: CredentialSealer
    clock: Clock
    public_url: str | None = None

    def url(
        self, tenant_id: UUID, form_id: UUID, expires_at: float, delivery_id: UUID | None = None
    ) -> str:
        """Where whoever has the token is shown the form."""
        path = f"/review/{self.token(tenant_id, form_id, expires_at, delivery_id)}"
        return path if self.public_url is None else f"{self.public_url}{path}"

    def token(
        self, tenant_id: UUID, form_id: UUID, expires_at: float, delivery_id: UUID | None = None
    ) -> str:
        """Whoever has it may see the form and answer it; `delivery_id` says to whom it was sent."""
        address = FormAddress(
            tenant_id=tenant_id,
            form_id=form_id,
            expires_at=math.ceil(expires_at),
            delivery_id=delivery_id,
        )
        return form_token(address, self.sealer.derived_number(address.purpose))

    def address(self, token: str) -> FormAddress:
        """Raises FormLinkUnknown."""
        address = address_of(token)
        if address is None:
            raise FormLinkUnknown("This link is not complete.")
        # Also those of a master key that is being replaced: they were sent before.
        made = [
            form_token(address, number) for number in self.sealer.derived_numbers(address.purpose)
        ]
        if not any(hmac.compare_digest(each, token) for each in made) or self._is_over(address):
            raise FormLinkUnknown("This link does not hold, or no longer.")
        return address

    def _is_over(self, address: FormAddress) -> bool:
        # A day longer than the form, so that who comes late is told how it ended.
        return self.clock.now().timestamp() > address.expires_at + 86_400
