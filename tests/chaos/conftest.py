"""One platform for all rounds, with fsync on, and a summary of how quickly it recovered."""

from collections.abc import Iterator

import httpx
import pytest
import yaml

from tests.chaos.clients import App
from tests.chaos.graphs import chat_app, workflow_app
from tests.chaos.profile import ROUNDS, SEED
from tests.chaos.recovery import Recovery
from tests.chaos.slow_upstream import slow_upstream
from tests.chaos.stage import Stage
from tests.support.platform import Platform, running_platform

_RECOVERY = pytest.StashKey[Recovery]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_RECOVERY] = Recovery()


def pytest_report_header() -> str:
    return f"chaos: {ROUNDS} rounds, HEDDLE_CHAOS_SEED={SEED}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section(f"chaos, HEDDLE_CHAOS_SEED={SEED}")
    for line in terminalreporter.config.stash[_RECOVERY].lines():
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def recovery(request: pytest.FixtureRequest) -> Recovery:
    return request.config.stash[_RECOVERY]


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The platform, its upstream and both apps."""
    folder = tmp_path_factory.mktemp("chaos")
    with slow_upstream() as upstream, running_platform(folder, durable=True) as platform:
        _admin(
            platform,
            "PUT",
            "/api/providers/openai",
            f'{{"api_key": "x", "base_url": "{upstream.url}"}}',
        )
        apps = [_imported(platform, document) for document in (chat_app(), workflow_app())]
        yield Stage(platform=platform, upstream=upstream, apps=apps)


def _imported(platform: Platform, document: dict[str, object]) -> App:
    answer = _admin(platform, "POST", "/api/apps/import?publish=true", yaml.safe_dump(document))
    return App(mode=answer["mode"], key=answer["api_key"])


def _admin(platform: Platform, method: str, path: str, body: str) -> dict[str, str]:
    answer = httpx.request(
        method,
        f"{platform.url}{path}",
        content=body,
        headers={
            "Authorization": f"Bearer {platform.admin_token}",
            "Content-Type": "application/json",
        },
        timeout=30.0,
    )
    assert answer.is_success, answer.text
    return answer.json()
