"""Tests that share a platform go to one process of pytest-xdist.

The mark `xdist_group` says the same, but xdist 3.8 writes it where pytest 9.2 no longer looks, so
groups would be scattered and every process would start a platform.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadGroupScheduling

_TOGETHER = (
    "tests/conformance/",
    "tests/e2e/",
    "tests/integration/deploy/test_services_alone.py",
    "tests/security/",
)


class _ByPlatform(LoadGroupScheduling):
    def _split_scope(self, nodeid: str) -> str:
        for place in _TOGETHER:
            if nodeid.startswith(place):
                return place
        return super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadGroupScheduling | None:
    """With `--dist loadgroup`, schedule by the folders above."""
    if config.getoption("dist") != "loadgroup":
        return None
    return _ByPlatform(config, log)
