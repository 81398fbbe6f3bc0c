"""A real SMTP server on loopback that keeps what it is sent and answers as a test wants."""

import ssl
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from deploy.local.loopback import LOOPBACK, free_port

OK = "250 OK"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedMail:
    """`to` are the recipients of the envelope."""

    sender: str
    to: tuple[str, ...]
    message: EmailMessage
    raw: bytes
    over_tls: bool

    @property
    def text(self) -> str:
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    def _part(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        assert part is not None
        return str(part.get_content())


@dataclass(slots=True, kw_only=True)
class MailServer:
    """`recipient` answers RCPT for an address, `taken` answers a whole mail. Both run in the
    server's thread; `mails` holds what was taken."""

    port: int
    recipient: Callable[[str], str] = lambda _: OK
    taken: Callable[[ReceivedMail], str] = lambda _: OK
    mails: list[ReceivedMail] = field(default_factory=list[ReceivedMail])
    logins: list[tuple[bytes, bytes]] = field(default_factory=list[tuple[bytes, bytes]])

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    async def handle_RCPT(  # noqa: N802 - the server's name for it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.recipient(address)
        if answer == OK:
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802 - the server's name for it
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        raw = envelope.original_content or b""
        mail = ReceivedMail(
            sender=envelope.mail_from or "",
            to=tuple(envelope.rcpt_tos),
            message=message_from_bytes(raw, policy=default),
            raw=raw,
            over_tls=session.ssl is not None,
        )
        answer = self.taken(mail)
        if answer == OK:
            self.mails.append(mail)
        return answer

    def log_in(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"pass/word", handled=False)


@contextmanager
def mail_server(
    tls: ssl.SSLContext | None = None, *, signs_in: bool = False
) -> Generator[MailServer]:
    """`tls`: STARTTLS is offered. `signs_in`: nobody sends before the password `pass/word`."""
    server = MailServer(port=free_port())
    controller = Controller(
        server,
        hostname=LOOPBACK,
        port=server.port,
        tls_context=tls,
        auth_required=signs_in,
        authenticator=server.log_in if signs_in else None,
    )
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
