"""Nothing secret is in any log, answer or table after a platform has worked and failed."""

import json

import pytest

from tests.security.graphs import asking_a_model
from tests.security.planted import PLANTED
from tests.security.rows import connected, first_tenant
from tests.security.stage import PROVIDER_SECRET, Stage, bearer
from tests.support.databases import run_outside
from tests.support.platform import SERVICES
from tests.support.scripted_upstream import Answer, ScriptedUpstream

pytestmark = pytest.mark.xdist_group("security")


def secrets_of(stage: Stage) -> dict[str, str]:
    platform = stage.platform
    passwords = {
        name: platform.environment[name].rpartition("@")[0].rpartition("/")[2]
        for name in ("HEDDLE_DATABASE_URL", "HEDDLE_NATS_URL", "HEDDLE_REDIS_URL")
    }
    return {
        "workspace key": platform.workspace_key,
        "admin token": platform.admin_token,
        "app key": stage.first.app_key,
        "master key": platform.environment["HEDDLE_MASTER_KEY"],
        "provider key": PROVIDER_SECRET,
        "environment secret": PLANTED,
        **passwords,
    }


@pytest.mark.parametrize("status", [401, 500, 400])
def test_a_provider_that_repeats_the_key_is_not_quoted(
    stage: Stage, upstream: ScriptedUpstream, status: int
) -> None:
    upstream.script = lambda asked: Answer(
        text=f"refused: {asked.headers['authorization']}", status=status
    )
    app = stage.imported(asking_a_model())
    run = stage.run(app["api_key"], x="hello")
    assert run["status"] == "failed"
    assert PROVIDER_SECRET not in json.dumps(run)
    asked = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}
    for stream in (False, True):
        answer = stage.http.post(
            "/v1/chat/completions",
            json={**asked, "stream": stream},
            headers=bearer(stage.platform.workspace_key),
        )
        assert PROVIDER_SECRET not in answer.text


def test_a_stored_key_is_never_shown(stage: Stage) -> None:
    answer = stage.http.get("/api/providers/openai", headers=bearer(stage.platform.admin_token))
    assert set(answer.json()) == {"name", "base_url", "revision"}


def test_operators_pages_name_nobody(stage: Stage) -> None:
    told = [stage.http.get(path).text for path in ("/healthz", "/readyz", "/metrics")]
    named = [*secrets_of(stage).values(), stage.first.app_id, stage.first.run_id]
    assert [name for name in named if any(name in text for text in told)] == []


def test_no_log_holds_a_secret(stage: Stage) -> None:
    """Run it last: the other tests of this folder fill the logs."""
    logs = {service: stage.platform.log(service) for service in SERVICES}
    found = [
        (service, name)
        for service, log in logs.items()
        for name, secret in secrets_of(stage).items()
        if secret in log
    ]
    assert found == []
    assert [service for service, log in logs.items() if "xylophone" in log] == []


def test_no_table_holds_a_secret(stage: Stage) -> None:
    async def dumped() -> list[str]:
        connection = await connected(
            stage.platform.environment["HEDDLE_DATABASE_URL"], await first_tenant(stage.platform)
        )
        tables = await connection.fetch(
            "select distinct table_schema || '.' || table_name as name "
            "from information_schema.columns where column_name = 'tenant_id' "
            "and table_schema in ('backend', 'engine', 'inference', 'plugin') "
            "and table_name not like 'journal_2%'"
        )
        rows = [
            repr(tuple(row))
            for table in tables
            for row in await connection.fetch(f"select * from {table['name']}")
        ]
        await connection.close()
        return rows

    rows = run_outside(dumped())
    secrets = secrets_of(stage)
    assert [name for name, secret in secrets.items() if any(secret in row for row in rows)] == []
