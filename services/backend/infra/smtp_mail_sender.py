"""Mails over SMTP. The port: services.backend.app.ports.mail_sender."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_LINES
from email.utils import format_datetime, parseaddr
from typing import Literal
from urllib.parse import unquote, urlsplit

import aiosmtplib

from services.backend.app.errors import DeliveryFailed, DeliveryRefused
from services.backend.domain.reviews.form_mail import FormMail

_SECONDS = 20.0
_PORTS = {"smtp": 25, "smtps": 465}
# What the header parser raises for what is no address or header.
_UNWRITABLE = (ValueError, IndexError, MessageError)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpOptions:
    """`tls` from the first byte, `required` as STARTTLS, or `offered`: where the server has it.
    `sender` stands in From, `sender_address` in the envelope."""

    host: str
    port: int
    tls: Literal["first", "required", "offered"]
    username: str | None
    password: str | None = field(repr=False)
    sender: Address


def smtp_options(url: str, sender: str) -> SmtpOptions:
    """From `smtp://user:password@host:port` or `smtps://...`, and `Name <address>`. With a user
    name nothing is sent before TLS. Raises ValueError, which repeats neither."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError("HEDDLE_SMTP_URL must be smtp://user:password@host:port or smtps://...")
    name, address = parseaddr(sender)
    try:
        shown = Address(display_name=name, addr_spec=address)
    except _UNWRITABLE:
        shown = Address()
    if not shown.username or not shown.domain or not sender.isprintable():
        raise ValueError("HEDDLE_SMTP_FROM must be `Name <user@domain>` or `user@domain`")
    signs_in = parts.username is not None
    return SmtpOptions(
        host=parts.hostname,
        port=parts.port or _PORTS[parts.scheme],
        tls="first" if parts.scheme == "smtps" else "required" if signs_in else "offered",
        username=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        sender=shown,
    )


class SmtpMailSender:
    """One connection a mail: forms are rare, and a kept one is closed by the server anyway."""

    def __init__(self, options: SmtpOptions, now: Callable[[], datetime]) -> None:
        self._options = options
        self._now = now

    async def send(self, mail: FormMail) -> None:
        try:
            message = self._message(mail)
        except _UNWRITABLE as error:
            raise DeliveryRefused("The mail cannot be written.") from error
        try:
            async with asyncio.timeout(_SECONDS):
                await self._sent(message, mail.to)
        except aiosmtplib.SMTPRecipientsRefused as error:
            # Not `from`: the error of the client names the recipient.
            raise _told("recipient", error.recipients[0].code) from None
        except (aiosmtplib.SMTPDataError, aiosmtplib.SMTPRecipientRefused) as error:
            raise _told("mail", error.code) from None
        except aiosmtplib.SMTPResponseException as error:
            reason = f"The mail server answered {error.code} ({type(error).__name__})."
            raise DeliveryFailed(reason, retryable=True) from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            reason = f"The mail server cannot be asked ({type(error).__name__})."
            raise DeliveryFailed(reason, retryable=True) from None

    async def _sent(self, message: EmailMessage, to: str) -> None:
        options = self._options
        client = aiosmtplib.SMTP(
            hostname=options.host,
            port=options.port,
            username=options.username,
            password=options.password,
            use_tls=options.tls == "first",
            start_tls={"first": False, "required": True, "offered": None}[options.tls],
            timeout=_SECONDS,
        )
        try:
            await client.connect()
            await client.send_message(message, sender=options.sender.addr_spec, recipients=[to])
            # It is accepted: whatever happens to the farewell changes nothing.
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit()
        finally:
            client.close()

    def _message(self, mail: FormMail) -> EmailMessage:
        sender = self._options.sender
        message = EmailMessage(policy=SMTP_LINES)
        message["From"] = sender
        message["To"] = Address(addr_spec=mail.to)
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(self._now())
        message["Message-ID"] = f"<{mail.delivery_id}@{sender.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        return message


def _told(what: str, code: int) -> DeliveryFailed:
    reason = f"The mail server answered {code} to the {what}."
    if code >= 500:
        return DeliveryRefused(reason, upstream_status=None)
    return DeliveryFailed(reason, retryable=True)
