"""What only a real mail server shows: TLS, signing in, and the mail as it crosses the wire."""

import ssl
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from services.backend.app.errors import DeliveryFailed
from services.backend.domain.reviews.form_mail import FormMail
from services.backend.infra.smtp_mail_sender import SmtpMailSender, smtp_options
from tests.support.certificates import Certificate, self_signed
from tests.support.mail_server import MailServer, mail_server

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FROM = "Heddle <heddle@example.org>"
MAIL = FormMail(
    delivery_id=uuid4(),
    to="ann@example.com",
    subject="Péter",
    text="Grüße\n.\n" + "x" * 5000 + "\n",
    html="<p>✓</p>",
)


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return self_signed(tmp_path, ("localhost",))


@pytest.fixture
def secure(certificate: Certificate) -> Generator[MailServer]:
    """A server that offers STARTTLS and wants its users signed in."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate.certificate, certificate.key)
    with mail_server(tls, signs_in=True) as server:
        yield server


async def _send(url: str) -> None:
    await SmtpMailSender(smtp_options(url, FROM), lambda: NOW).send(MAIL)


async def test_the_mail_is_plain_and_html_and_says_that_a_machine_wrote_it() -> None:
    with mail_server() as server:
        await _send(f"smtp://{server.address}")
    (mail,) = server.mails
    assert (mail.sender, mail.to) == ("heddle@example.org", ("ann@example.com",))
    assert mail.text.replace("\r\n", "\n") == MAIL.text
    assert mail.html.strip() == MAIL.html
    headers = {name: str(value) for name, value in mail.message.items()}
    assert headers["From"] == FROM
    assert headers["Date"] == "Fri, 02 Jan 2026 03:04:05 +0000"
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["Message-ID"] == f"<{MAIL.delivery_id}@example.org>"
    assert max(map(len, mail.raw.splitlines())) <= 998


async def test_a_password_goes_over_tls_only(
    secure: MailServer, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.certificate))
    await _send(f"smtp://us%40er:pass%2Fword@{secure.address}")
    assert secure.logins == [(b"us@er", b"pass/word")]
    assert [mail.over_tls for mail in secure.mails] == [True]
    with pytest.raises(DeliveryFailed, match="535"):
        await _send(f"smtp://us%40er:wrong@{secure.address}")


async def test_a_server_without_tls_gets_no_password() -> None:
    with mail_server() as server:
        with pytest.raises(DeliveryFailed) as told:
            await _send(f"smtp://user:secretive@{server.address}")
        assert "secretive" not in str(told.value)
        assert (server.mails, server.logins) == ([], [])


async def test_a_certificate_that_nobody_vouches_for_gets_nothing(secure: MailServer) -> None:
    with pytest.raises(DeliveryFailed):
        await _send(f"smtp://user:pass%2Fword@{secure.address}")
    assert (secure.mails, secure.logins) == ([], [])


@pytest.mark.parametrize(
    ("url", "tls", "port"),
    [
        ("smtp://mail.example.com", "offered", 25),
        ("smtp://mail.example.com:587", "offered", 587),
        ("smtp://u:p@mail.example.com:587", "required", 587),
        ("smtps://u:p@mail.example.com", "first", 465),
    ],
)
def test_what_an_address_means(url: str, tls: str, port: int) -> None:
    options = smtp_options(url, FROM)
    assert (options.host, options.tls, options.port) == ("mail.example.com", tls, port)


@pytest.mark.parametrize(
    ("url", "sender"),
    [
        ("http://mail.example.com", FROM),
        ("smtp://", FROM),
        ("smtp://u:secretive@mail.example.com/x", FROM),
        ("smtp://mail.example.com", "heddle"),
        ("smtp://mail.example.com", ""),
        ("smtp://mail.example.com", "a@b\r\nBcc: c@d"),
    ],
)
def test_what_is_no_address_is_told_without_it(url: str, sender: str) -> None:
    with pytest.raises(ValueError, match="HEDDLE_SMTP") as told:
        smtp_options(url, sender)
    assert "secretive" not in str(told.value)
