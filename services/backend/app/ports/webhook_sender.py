"""How webhooks leave the house."""

from typing import Protocol

from services.backend.domain.reviews.form_hook import FormHook


class WebhookSender(Protocol):
    async def send(self, hook: FormHook) -> None:
        """Post the message as it stands; any 2xx is a yes. Bounded in time.

        Raises DeliveryFailed where the receiver may take it later, or may have taken it unheard,
        and DeliveryRefused where it never will.
        """
        ...
