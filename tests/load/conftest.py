"""The plugin service alone, on real servers, and a summary of how quickly it answered."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.load.profile import SECONDS, SEED
from tests.load.sandbox_calls import CANARY
from tests.load.times import Times
from tests.support.platform import Platform, running_platform

_TIMES = pytest.StashKey[Times]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TIMES] = Times()


def pytest_report_header() -> str:
    return f"load: {SECONDS:g} s, HEDDLE_LOAD_SEED={SEED}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    told = [
        str(value)
        for report in terminalreporter.stats.get("passed", [])
        for name, value in report.user_properties
        if name == "fairness"
    ]
    if lines := [*terminalreporter.config.stash[_TIMES].lines()]:
        terminalreporter.section(f"sandbox load, HEDDLE_LOAD_SEED={SEED}")
    for line in [*lines, *told]:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def times(request: pytest.FixtureRequest) -> Times:
    return request.config.stash[_TIMES]


@pytest.fixture(scope="session")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the service keeps its temporary files; the sandbox' account comes through."""
    folder = tmp_path_factory.mktemp("temporary")
    folder.chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory, temporary: Path) -> Iterator[Platform]:
    settings = {"HEDDLE_LOAD_CANARY": CANARY, "TMPDIR": str(temporary)}
    folder = tmp_path_factory.mktemp("load")
    with running_platform(folder, settings=settings, services=("plugin",)) as running:
        yield running
