"""One stack for all rounds, as `make run` starts it, and a table of how quickly it recovered."""

from collections.abc import Iterator

import httpx
import pytest
import yaml

from tests.chaos.clients import App
from tests.chaos.counted_web import counted_web
from tests.chaos.graphs import KINDS, Kind, app_of
from tests.chaos.profile import ROUNDS, SEED
from tests.chaos.recovery import Recovery
from tests.chaos.slow_upstream import slow_upstream
from tests.chaos.stack import ChaosStack, running_stack
from tests.chaos.stage import Stage
from tests.chaos.truth import Upstreams

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
    """The stack, the world that it calls, and the apps."""
    folder = tmp_path_factory.mktemp("chaos")
    with slow_upstream() as models, counted_web() as web:
        allowed = {"HEDDLE_EGRESS_ALLOW": web.url.removeprefix("http://")}
        with running_stack(folder, allowed) as stack:
            provider = f'{{"api_key": "x", "base_url": "{models.url}"}}'
            _admin(stack, "PUT", "/api/providers/openai", provider)
            apps: dict[Kind, App] = {
                kind: App(kind=kind, key=_imported(stack, kind, web.url)) for kind in KINDS
            }
            yield Stage(stack=stack, upstreams=Upstreams(models=models, web=web), apps=apps)


def _imported(stack: ChaosStack, kind: Kind, web: str) -> str:
    document = yaml.safe_dump(app_of(kind, web))
    return _admin(stack, "POST", "/api/apps/import?publish=true", document)["api_key"]


def _admin(stack: ChaosStack, method: str, path: str, body: str) -> dict[str, str]:
    answer = httpx.request(
        method,
        f"{stack.backends[0]}{path}",
        content=body,
        headers={
            "Authorization": f"Bearer {stack.admin_token}",
            "Content-Type": "application/json",
        },
        timeout=30.0,
    )
    assert answer.is_success, answer.text
    return answer.json()
