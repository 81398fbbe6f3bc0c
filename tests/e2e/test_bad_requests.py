"""Wrong inputs, wrong keys, other tenants' ids, providers that refuse, bodies without end."""

import asyncio
import secrets
from uuid import UUID

import httpx
import pytest
import yaml

from deploy.local.loopback import free_port
from libs.common.clock import SystemClock
from libs.common.database.asyncpg_pool import create_pool
from libs.common.identifiers import uuid7
from libs.common.messaging.in_memory_bus import InMemoryBus
from libs.common.state_store.postgres_tier import PostgresTier
from libs.common.state_store.tiered_store import TieredStore
from services.backend.app.identity.key_index import KeyIndex
from services.backend.domain.identity.keys import Principal, key_from_number, key_hash
from services.backend.infra.postgres.api_key_repository import PostgresApiKeyRepository
from services.backend.infra.postgres.tenant_repository import PostgresTenantRepository
from tests.e2e.documents import app, end, greeting, model_chat, model_workflow, start, variable
from tests.e2e.world import ImportedApp, Json, World, bearer
from tests.support.platform import Platform
from tests.support.scripted_upstream import Answer

pytestmark = pytest.mark.xdist_group("e2e")

_BODY_LIMIT = 16 * 1024 * 1024


def _picky(world: World) -> ImportedApp:
    fields = start(
        variable("name", max_length=5),
        variable("count", "number", required=False),
        variable("tone", "select", required=False, options=["warm", "formal"]),
        variable("facts", "json_object", required=False),
    )
    nodes = [fields, end(name=["start", "name"])]
    return world.import_app(app("picky", nodes, [("start", "end")]))


@pytest.mark.parametrize(
    ("inputs", "field"),
    [
        pytest.param({}, "name", id="missing"),
        pytest.param({"name": 7}, "name", id="not-a-text"),
        pytest.param({"name": "too long"}, "name", id="too-long"),
        pytest.param({"name": "Ada", "count": "many"}, "count", id="not-a-number"),
        pytest.param({"name": "Ada", "tone": "rude"}, "tone", id="not-an-option"),
        pytest.param({"name": "Ada", "facts": "none"}, "facts", id="not-an-object"),
        pytest.param("not a mapping", "inputs", id="not-inputs"),
    ],
)
@pytest.mark.parametrize("mode", ["blocking", "streaming"])
def test_a_wrong_input_is_refused_by_name(
    world: World, inputs: dict[str, object], field: str, mode: str
) -> None:
    answer = world.run(_picky(world), inputs, response_mode=mode)
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == "invalid_param"
    assert field in answer.json()["message"]


def test_a_body_that_is_no_json_is_refused(world: World) -> None:
    headers = {**_picky(world).headers, "Content-Type": "application/json"}
    answer = world.http.post("/v1/workflows/run", content=b"{", headers=headers)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/apps"),
        ("POST", "/api/apps/import"),
        ("POST", "/v1/workflows/run"),
        ("POST", "/v1/chat-messages"),
        ("GET", "/v1/parameters"),
        ("POST", "/v1/chat/completions"),
        ("GET", "/v1/models"),
    ],
)
@pytest.mark.parametrize("key", [None, "nonsense", "app-" + "0" * 32, "ws-" + "0" * 32])
def test_an_unknown_key_opens_nothing(
    world: World, method: str, path: str, key: str | None
) -> None:
    headers = bearer(key) if key else {}
    body: Json = {"inputs": {}, "query": "q", "user": "u", "model": "x/y", "messages": []}
    sent = body if method == "POST" else None
    answer = world.http.request(method, path, headers=headers, json=sent)
    assert answer.status_code == 401, answer.text
    assert "www-authenticate" in answer.headers


def test_another_tenants_ids_do_not_exist(world: World) -> None:
    mine = world.import_app(greeting())
    run_id = world.run(mine, {"name": "Ada"}).json()["workflow_run_id"]
    stranger = asyncio.run(_another_tenant(world.platform))
    theirs = world.import_source(yaml.safe_dump(greeting()).encode(), key=stranger).json()
    assert theirs["app_id"] != mine.app_id
    key = theirs["api_key"]
    for method, path, bearing in (
        ("GET", f"/api/apps/{mine.app_id}", stranger),
        ("GET", f"/api/apps/{mine.app_id}/export", stranger),
        ("POST", f"/api/apps/{mine.app_id}/publish", stranger),
        ("POST", f"/api/apps/{mine.app_id}/keys", stranger),
        ("GET", f"/api/runs/{run_id}", stranger),
        ("GET", f"/api/runs/{run_id}/trace", stranger),
        ("GET", f"/v1/workflows/run/{run_id}", key),
        ("GET", f"/v1/workflow/{run_id}/events?user=e2e", key),
        ("POST", f"/v1/workflows/tasks/{run_id}/stop", key),
    ):
        body = {"user": "e2e"} if path.endswith("/stop") else None
        answer = world.http.request(method, path, headers=bearer(bearing), json=body)
        assert answer.status_code == 404, f"{method} {path}: {answer.status_code} {answer.text}"
    seen = world.http.get("/api/apps", headers=bearer(stranger)).json()["apps"]
    assert [each["app_id"] for each in seen] == [theirs["app_id"]]


async def _another_tenant(platform: Platform) -> str:
    """The admin token of a second tenant. Tenants have no door of their own yet."""
    pool = await create_pool(platform.environment["HEDDLE_DATABASE_URL"])
    sweeper = await create_pool(platform.environment["HEDDLE_DATABASE_SWEEPER_URL"])
    tenant_id: UUID = uuid7()
    token = key_from_number("adm", secrets.randbits(256))
    principal = Principal(tenant_id=tenant_id, key_id=uuid7(), kind="adm")
    clock = SystemClock()
    async with pool, sweeper:
        await PostgresTenantRepository(pool, sweeper).add(tenant_id, "another")
        await PostgresApiKeyRepository(pool).add(principal, key_hash(token), token[-4:])
        bus = InMemoryBus(clock=clock)
        store = TieredStore(PostgresTier(pool, "backend"), bus=bus, clock=clock)
        async with store.running():
            await KeyIndex(store).open(principal, key_hash(token))
        await bus.close()
    return token


def test_a_refusing_provider_fails_the_run_with_its_words(world: World) -> None:
    world.provider(lambda _: Answer(text="your quota is used up", status=400))
    flow = world.import_app(model_workflow())
    outcome = world.outcome(flow, {})
    assert outcome["status"] == "failed"
    assert "your quota is used up" in outcome["error"]
    shown = world.http.get(f"/v1/workflows/run/{outcome['id']}", headers=flow.headers).json()
    assert shown["status"] == "failed"
    assert "your quota is used up" in shown["error"]

    chat = world.import_app(model_chat())
    answer = world.chat(chat, "hello")
    assert answer.status_code == 400
    assert "your quota is used up" in answer.json()["message"]

    completion = world.http.post(
        "/v1/chat/completions",
        headers=bearer(world.platform.workspace_key),
        json={"model": "openai/any", "messages": [{"role": "user", "content": "hello"}]},
    )
    assert completion.status_code >= 400
    assert "your quota is used up" in completion.json()["error"]["message"]


def test_a_provider_that_is_away_fails_the_run(world: World) -> None:
    world.provider(url=f"http://127.0.0.1:{free_port()}/v1")
    outcome = world.outcome(world.import_app(model_workflow()), {})
    assert outcome["status"] == "failed"
    assert outcome["error"]
    answer = world.chat(world.import_app(model_chat()), "hello")
    assert answer.status_code >= 400
    completion = world.http.post(
        "/v1/chat/completions",
        headers=bearer(world.platform.workspace_key),
        json={"model": "openai/any", "messages": [{"role": "user", "content": "hello"}]},
    )
    assert completion.status_code >= 500


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_over_the_limit_is_refused(world: World, announced: bool) -> None:
    app = _picky(world)
    chunk = b" " * (1024 * 1024)

    def endless() -> "list[bytes]":
        return [chunk] * (_BODY_LIMIT // len(chunk) + 1)

    content = b"".join(endless()) if announced else iter(endless())
    for path, headers in (("/v1/workflows/run", app.headers), ("/api/apps/import", world.admin)):
        answer = httpx.post(
            f"{world.url}{path}",
            content=content if announced else iter(endless()),
            headers={**headers, "Content-Type": "application/json"},
            timeout=30.0,
        )
        assert answer.status_code == 413, answer.text
