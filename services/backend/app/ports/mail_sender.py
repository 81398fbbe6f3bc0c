"""How mails leave the house."""

from typing import Protocol

from services.backend.domain.reviews.form_mail import FormMail


class MailSender(Protocol):
    async def send(self, mail: FormMail) -> None:
        """Hand the mail to a mail server that then answers for it. Bounded in time.

        Raises DeliveryFailed where the server may take it later, or may have taken it unheard, and
        DeliveryRefused where it never will.
        """
        ...
