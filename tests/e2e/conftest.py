"""One platform for all end-to-end tests."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.hostile_code import CANARY
from tests.e2e.world import SECONDS, World
from tests.support.certificates import self_signed
from tests.support.mail_server import mail_server
from tests.support.otlp_receiver import receiving
from tests.support.platform import running_platform
from tests.support.scripted_upstream import scripted_upstream
from tests.support.scripted_web import scripted_web

_HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The platform, reached by HTTP. Every service has the canary in its environment."""
    folder = tmp_path_factory.mktemp("e2e")
    with (
        scripted_upstream() as upstream,
        receiving() as spans,
        mail_server() as mails,
        scripted_web(self_signed(folder, ("localhost",))) as hooks,
        running_platform(
            folder,
            settings={
                CANARY: CANARY,
                "HEDDLE_OTLP_ENDPOINT": spans.endpoint,
                "HEDDLE_PUBLIC_URL": "{backend}",
                "HEDDLE_SMTP_URL": f"smtp://{mails.address}",
                "HEDDLE_SMTP_FROM": "Heddle <heddle@example.org>",
                "HEDDLE_EGRESS_ALLOW": hooks.http,
            },
        ) as platform,
        httpx.Client(base_url=platform.url, timeout=SECONDS) as http,
    ):
        yield World(
            platform=platform, upstream=upstream, http=http, spans=spans, mails=mails, hooks=hooks
        )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test also starts the platform, which takes long on a busy machine."""
    for item in items:
        if item.path.parent == _HERE:
            item.add_marker(pytest.mark.timeout(300))
