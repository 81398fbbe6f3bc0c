"""One platform for all end-to-end tests."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.hostile_code import CANARY
from tests.e2e.world import SECONDS, World
from tests.support.otlp_receiver import receiving
from tests.support.platform import running_platform
from tests.support.scripted_upstream import scripted_upstream

_HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The platform, reached by HTTP. Every service has the canary in its environment."""
    folder = tmp_path_factory.mktemp("e2e")
    with (
        scripted_upstream() as upstream,
        receiving() as spans,
        running_platform(
            folder, settings={CANARY: CANARY, "HEDDLE_OTLP_ENDPOINT": spans.endpoint}
        ) as platform,
        httpx.Client(base_url=platform.url, timeout=SECONDS) as http,
    ):
        yield World(platform=platform, upstream=upstream, http=http, spans=spans)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test also starts the platform, which takes long on a busy machine."""
    for item in items:
        if item.path.parent == _HERE:
            item.add_marker(pytest.mark.timeout(300))
