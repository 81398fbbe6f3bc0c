"""What every WebhookSender must do: one suite, over HTTP and in memory."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from libs.common.guarded_http.egress_rules import EgressRules
from libs.common.guarded_http.guarded_http import GuardedHttp
from services.backend.app.errors import DeliveryFailed, DeliveryRefused
from services.backend.app.ports.webhook_sender import WebhookSender
from services.backend.domain.reviews.form_hook import FormHook
from services.backend.infra.guarded_webhook_sender import GuardedWebhookSender
from tests.support.certificates import self_signed
from tests.support.deliveries import InMemoryWebhookSender
from tests.support.scripted_web import ScriptedWeb, WebReply, scripted_web


class Receiver(Protocol):
    @property
    def sender(self) -> WebhookSender: ...
    @property
    def url(self) -> str: ...

    def answers(self, status: int) -> None: ...
    def leaves(self) -> None: ...
    def got(self) -> list[tuple[str, bytes]]:
        """The webhook-id and body of each message."""
        ...


@dataclass(slots=True)
class Memory:
    sender: InMemoryWebhookSender
    url: str = "https://example.com/hook"

    def answers(self, status: int) -> None:
        self.sender.answer = status

    def leaves(self) -> None:
        self.sender.answer = None

    def got(self) -> list[tuple[str, bytes]]:
        return [(dict(hook.headers)["webhook-id"], hook.body) for hook in self.sender.sent]


@dataclass(slots=True)
class Http:
    sender: GuardedWebhookSender
    web: ScriptedWeb
    url: str

    def answers(self, status: int) -> None:
        target = {"Location": f"http://{self.web.http}/elsewhere"}
        self.web.script = lambda _: WebReply(status=status, headers=target)

    def leaves(self) -> None:
        self.url = "http://127.0.0.1:1/hook"

    def got(self) -> list[tuple[str, bytes]]:
        assert {asked.method for asked in self.web.asked} <= {"POST"}
        return [(asked.headers["webhook-id"], asked.body) for asked in self.web.asked]


@pytest.fixture(params=["memory", "http"])
async def receiver(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Receiver]:
    if request.param == "memory":
        yield Memory(InMemoryWebhookSender())
        return
    with scripted_web(self_signed(tmp_path, ("localhost",))) as web:
        http = GuardedHttp(EgressRules.parse([web.http, "127.0.0.1:1"]))
        await http.start()
        try:
            yield Http(GuardedWebhookSender(http), web, f"http://{web.http}/hook?token=t")
        finally:
            await http.close()


def _hook(receiver: Receiver) -> FormHook:
    headers = (("Content-Type", "application/json"), ("webhook-id", "1"))
    return FormHook(url=receiver.url, headers=headers, body=b'{"type": "form.opened"}')


@pytest.mark.parametrize("status", [200, 202, 204])
async def test_a_message_arrives_as_it_stands(receiver: Receiver, status: int) -> None:
    receiver.answers(status)
    await receiver.sender.send(_hook(receiver))
    assert receiver.got() == [("1", b'{"type": "form.opened"}')]


@pytest.mark.parametrize("status", [302, 307, 400, 404, 429, 500, 503])
async def test_everything_else_is_tried_later_and_no_redirect_followed(
    receiver: Receiver, status: int
) -> None:
    receiver.answers(status)
    with pytest.raises(DeliveryFailed) as told:
        await receiver.sender.send(_hook(receiver))
    assert told.value.retryable
    assert not isinstance(told.value, DeliveryRefused)
    assert "token" not in str(told.value)
    assert len(receiver.got()) == 1


async def test_a_receiver_that_is_gone_is_left_alone(receiver: Receiver) -> None:
    receiver.answers(410)
    with pytest.raises(DeliveryRefused):
        await receiver.sender.send(_hook(receiver))


async def test_a_receiver_that_is_away_is_asked_later(receiver: Receiver) -> None:
    receiver.leaves()
    with pytest.raises(DeliveryFailed) as told:
        await receiver.sender.send(_hook(receiver))
    assert told.value.retryable
    assert not isinstance(told.value, DeliveryRefused)


async def test_a_private_place_is_not_reached() -> None:
    http = GuardedHttp(EgressRules.parse([]))
    await http.start()
    try:
        hook = FormHook(url="http://127.0.0.1:1/x", headers=(), body=b"")
        with pytest.raises(DeliveryRefused):
            await GuardedWebhookSender(http).send(hook)
    finally:
        await http.close()
