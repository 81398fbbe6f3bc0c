"""What every MailSender must do: one suite, over SMTP and in memory."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID, uuid4

import pytest

from services.backend.app.errors import DeliveryFailed, DeliveryRefused
from services.backend.app.ports.mail_sender import MailSender
from services.backend.domain.reviews.form_mail import FormMail
from services.backend.infra.smtp_mail_sender import SmtpMailSender, smtp_options
from tests.support.deliveries import InMemoryMailSender
from tests.support.mail_server import OK, MailServer, mail_server

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class PostOffice(Protocol):
    @property
    def sender(self) -> MailSender: ...

    def answers(self, code: int) -> None: ...
    def leaves(self) -> None: ...
    def got(self) -> list[tuple[str, str, str]]:
        """The id, recipient and subject of each mail."""
        ...


@dataclass(slots=True)
class Memory:
    sender: InMemoryMailSender

    def answers(self, code: int) -> None:
        self.sender.answer = code

    def leaves(self) -> None:
        self.sender.answer = None

    def got(self) -> list[tuple[str, str, str]]:
        return [(str(mail.delivery_id), mail.to, mail.subject) for mail in self.sender.sent]


@dataclass(slots=True)
class Smtp:
    sender: SmtpMailSender
    server: MailServer

    def answers(self, code: int) -> None:
        self.server.recipient = lambda _: OK if code == 250 else f"{code} for ann@example.com"

    def leaves(self) -> None:
        self.sender = _sender(1)

    def got(self) -> list[tuple[str, str, str]]:
        return [
            (
                str(mail.message["Message-ID"])[1:].partition("@")[0],
                mail.to[0],
                str(mail.message["Subject"]),
            )
            for mail in self.server.mails
        ]


def _sender(port: int) -> SmtpMailSender:
    return SmtpMailSender(
        smtp_options(f"smtp://127.0.0.1:{port}", "Heddle <heddle@example.org>"), lambda: NOW
    )


@pytest.fixture(params=["memory", "smtp"])
def post(request: pytest.FixtureRequest) -> Generator[PostOffice]:
    if request.param == "memory":
        yield Memory(InMemoryMailSender())
    else:
        with mail_server() as server:
            yield Smtp(_sender(server.port), server)


def _mail(delivery_id: UUID | None = None) -> FormMail:
    return FormMail(
        delivery_id=delivery_id or uuid4(),
        to="ann@example.com",
        subject="Péter approves ✓",
        text="Is it?\n.\nhttps://heddle.test/review/x\n",
        html="<p>Is it?</p>",
    )


async def test_a_mail_arrives_as_itself(post: PostOffice) -> None:
    mail = _mail()
    await post.sender.send(mail)
    assert post.got() == [(str(mail.delivery_id), "ann@example.com", "Péter approves ✓")]


async def test_a_mail_that_is_sent_again_has_the_same_name(post: PostOffice) -> None:
    mail = _mail()
    await post.sender.send(mail)
    await post.sender.send(mail)
    assert len({name for name, _, _ in post.got()}) == 1
    assert len(post.got()) == 2


@pytest.mark.parametrize("code", [421, 450, 451])
async def test_a_server_that_is_busy_is_asked_later(post: PostOffice, code: int) -> None:
    post.answers(code)
    with pytest.raises(DeliveryFailed) as told:
        await post.sender.send(_mail())
    assert told.value.retryable
    assert not isinstance(told.value, DeliveryRefused)
    post.answers(250)
    await post.sender.send(_mail())
    assert len(post.got()) == 1


async def test_a_recipient_that_there_is_not_is_told_without_its_address(post: PostOffice) -> None:
    post.answers(550)
    with pytest.raises(DeliveryRefused) as told:
        await post.sender.send(_mail())
    assert "550" in told.value.message
    assert "ann" not in str(told.value)
    assert told.value.__cause__ is None
    assert post.got() == []


async def test_a_server_that_is_away_is_asked_later(post: PostOffice) -> None:
    post.leaves()
    with pytest.raises(DeliveryFailed) as told:
        await post.sender.send(_mail())
    assert told.value.retryable


@pytest.mark.parametrize(
    "more",
    [
        {"subject": "Hello\r\nBcc: eve@example.com"},
        {"subject": "Hello\nBcc: eve@example.com"},
        {"to": "ann@example.com, eve@example.com"},
        {"to": "ann@example.com\r\nBcc: eve@example.com"},
        {"to": "Ann <ann@example.com>"},
        {"to": ""},
    ],
)
async def test_no_header_is_smuggled_in(post: PostOffice, more: dict[str, str]) -> None:
    with pytest.raises(DeliveryRefused):
        await post.sender.send(replace(_mail(), **more))
    assert post.got() == []
