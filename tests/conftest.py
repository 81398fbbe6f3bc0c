"""What every test can ask for, and what a session tells at its end."""

import pytest

pytest_plugins = [
    "tests.support.servers",
    "tests.support.closed_network",
    "tests.support.grouped_scheduling",
]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how the recorded conformance cases went, when there were any."""
    passed = terminalreporter.stats.get("passed", [])
    for report in passed:
        for name, value in report.user_properties:
            if name == "conformance":
                cases = sum("test_a_recorded_case" in other.nodeid for other in passed)
                terminalreporter.write_line(f"recorded conformance: {cases} passed, {value}")
