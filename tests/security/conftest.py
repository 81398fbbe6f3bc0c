"""One platform with two tenants for all attacks."""

from collections.abc import Iterator

import httpx
import pytest

from tests.security.buried_letter import bury
from tests.security.graphs import chat, template
from tests.security.raw_web import RawWeb, raw_web
from tests.security.rows import first_tenant, settled
from tests.security.second_tenant import add_tenant
from tests.security.stage import PROVIDER_SECRET, SAID, Stage, bearer, belongings, imported
from tests.support.databases import run_outside
from tests.support.platform import running_platform
from tests.support.scripted_upstream import ScriptedUpstream, scripted_upstream

_SECONDS = 30.0


@pytest.fixture(scope="session")
def upstream() -> Iterator[ScriptedUpstream]:
    with scripted_upstream() as running:
        yield running


@pytest.fixture(scope="session")
def web() -> Iterator[RawWeb]:
    """What http://web.example.test leads to; nothing else may be reached."""
    with raw_web() as running:
        yield running


@pytest.fixture(scope="session")
def stage(
    tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream, web: RawWeb
) -> Iterator[Stage]:
    settings = {"HEDDLE_EGRESS_OVERRIDES": f"web.example.test:80={web.address}"}
    with (
        running_platform(tmp_path_factory.mktemp("security"), settings=settings) as platform,
        httpx.Client(base_url=platform.url, timeout=_SECONDS) as http,
    ):
        http.put(
            "/api/providers/openai",
            json={"api_key": PROVIDER_SECRET, "base_url": upstream.url},
            headers=bearer(platform.admin_token),
        ).raise_for_status()
        # The oldest one: the second one is not there yet.
        tenant_id = run_outside(first_tenant(platform))
        second = add_tenant(platform.environment["HEDDLE_DATABASE_URL"])
        made = Stage(
            platform=platform,
            http=http,
            first=belongings(http, platform.workspace_key),
            second=second,
            others_app=imported(http, template("mine"), second.workspace_key)["api_key"],
            others_chat=imported(http, chat(), second.workspace_key)["api_key"],
            letter_id=bury(platform, http, tenant_id, SAID),
        )
        run_outside(settled(platform))
        yield made
