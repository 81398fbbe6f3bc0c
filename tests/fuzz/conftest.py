"""One platform for the whole fuzzing, and a summary of what it answered."""

from collections.abc import Iterator

import pytest

from tests.fuzz.fuzzing import Findings
from tests.fuzz.profile import SECONDS, SEED
from tests.fuzz.world import World, running_world

_FINDINGS = pytest.StashKey[Findings]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_FINDINGS] = Findings()


def pytest_report_header() -> str:
    return f"fuzz: {SECONDS:g} s, HEDDLE_FUZZ_SEED={SEED}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    found = terminalreporter.config.stash[_FINDINGS]
    terminalreporter.section(f"fuzz, HEDDLE_FUZZ_SEED={SEED}")
    terminalreporter.write_line(
        f"{found.asked.total()} requests to {len(found.asked)} operations: "
        + ", ".join(f"{status} x {count}" for status, count in sorted(found.statuses.items()))
    )


@pytest.fixture(scope="session")
def findings(request: pytest.FixtureRequest) -> Findings:
    return request.config.stash[_FINDINGS]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("fuzz")) as running:
        yield running
