"""One platform for all conformance cases of a worker."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conformance.caller import SECONDS, Caller
from tests.conformance.recorded_cases import hosts
from tests.conformance.runner import Runner
from tests.support.certificates import self_signed
from tests.support.platform import running_platform
from tests.support.scripted_upstream import scripted_upstream
from tests.support.scripted_web import scripted_web

FOLDER = os.environ.get("HEDDLE_CONFORMANCE_DIR")
collect_ignore = [] if FOLDER else ["test_recorded_cases.py"]


@pytest.fixture(scope="session")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """The whole platform; every host name of the web leads to a scripted server."""
    folder = tmp_path_factory.mktemp("conformance")
    known = hosts(Path(FOLDER)) if FOLDER else set[str]()
    certificate = self_signed(folder, ("api.example.test", *sorted(known)))
    with scripted_upstream() as upstream, scripted_web(certificate) as web:
        settings = {
            "HEDDLE_EGRESS_OVERRIDES": f"*:443={web.https},*:80={web.http}",
            "SSL_CERT_FILE": str(certificate.certificate),
        }
        with running_platform(folder, settings=settings) as platform:
            httpx.put(
                f"{platform.url}/api/providers/openai",
                json={"api_key": "scripted", "base_url": upstream.url},
                headers={"Authorization": f"Bearer {platform.admin_token}"},
            ).raise_for_status()
            yield Runner(platform=platform, upstream=upstream, web=web)


@pytest.fixture
def caller(runner: Runner) -> Iterator[Caller]:
    headers = {"Authorization": f"Bearer {runner.platform.admin_token}"}
    with httpx.Client(base_url=runner.platform.url, headers=headers, timeout=SECONDS) as http:
        yield Caller(runner, http)
