"""Importing, publishing, keys and credentials through the native API."""

import json
import stat
from typing import Any
from uuid import uuid4

import pytest

from libs.common.contracts.credentials import CredentialQuery
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.subjects import CREDENTIAL
from libs.common.identifiers import uuid7
from libs.common.sealed_box import SealedBox
from services.backend.app.identity.first_start import FirstStart
from services.backend.domain.identity.keys import Principal, key_from_number, key_hash
from services.backend.infra.credentials_file import StateFolderCredentials
from services.backend.infra.postgres.api_key_repository import PostgresApiKeyRepository
from services.backend.infra.postgres.tenant_repository import PostgresTenantRepository
from tests.integration.backend.conftest import MASTER_KEY, House, bearer
from tests.integration.backend.documents import app


async def test_the_same_document_stays_one_app_with_one_key(house: House) -> None:
    first = await house.imported(app())
    second = await house.imported(app())
    assert first == second
    assert first["mode"] == "workflow"
    assert first["name"] == "Echo"
    assert first["version_id"]
    assert [warning["code"] for warning in first["report"]["warnings"]] == ["dsl_version_older"]
    other = await house.imported(app(name="Other"))
    assert other["app_id"] != first["app_id"]
    listed = (await house.http.get("/api/apps", headers=house.admin())).json()["apps"]
    assert {entry["app_id"] for entry in listed} == {first["app_id"], other["app_id"]}
    path = f"/api/apps/{first['app_id']}/export"
    exported = await house.http.get(path, headers=house.admin())
    assert exported.text == app()


async def test_an_idempotency_key_belongs_to_one_import(house: House) -> None:
    headers = {**house.admin(), "Idempotency-Key": "k"}
    first = await house.http.post("/api/apps/import", content=app(), headers=headers)
    again = await house.http.post("/api/apps/import", content=app(), headers=headers)
    assert first.json() == again.json()
    other = await house.http.post("/api/apps/import", content=app(name="B"), headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("source", "status", "words"),
    [
        ("app: [", 400, "line 2, column 1"),
        ("nodes: []\nedges: []", 400, "Missing app data in YAML content (line 1, column 1)"),
        ("app:\n  mode: chat\n", 400, "(line 2, column 9)"),
        ("app: {mode: workflow}\nworkflow: {features: {}}", 400, "Missing graph"),
        ("#" * (10 * 1024 * 1024 + 1), 413, "above 10485760 bytes"),
    ],
)
async def test_bad_documents_are_problems_and_leave_nothing(
    house: House, source: str, status: int, words: str
) -> None:
    answer = await house.http.post("/api/apps/import", content=source, headers=house.admin())
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]
    assert (await house.http.get("/api/apps", headers=house.admin())).json() == {"apps": []}


async def test_a_draft_with_errors_is_kept_and_refused(house: House) -> None:
    imported = await house.imported(app(kind="mystery"))
    assert imported["version_id"] is None
    error = imported["report"]["errors"][0]
    assert (error["node_id"], error["field"]) == ("llm", "type")
    path = f"/api/apps/{imported['app_id']}/publish"
    refused = await house.http.post(path, headers=house.admin())
    assert (refused.status_code, refused.json()["code"]) == (409, "publish_refused")
    assert refused.json()["report"] == {"errors": [error], "warnings": []}
    body: dict[str, Any] = {"inputs": {}, "user": "u"}
    run = await house.http.post("/v1/workflows/run", json=body, headers=bearer(imported["api_key"]))
    assert run.status_code == 400
    assert run.json()["code"] == "invalid_param"
    assert run.json()["report"]["errors"] == [error]


async def test_each_wire_shapes_its_own_errors(house: House) -> None:
    native = await house.http.get("/api/apps")
    assert native.status_code == 401
    assert native.json()["code"] == "unauthenticated"
    dify = await house.http.post("/v1/workflows/run", json={}, headers=bearer("app-x"))
    assert dify.json() == {
        "code": "unauthorized",
        "message": "Access token is invalid",
        "status": 401,
    }
    assert dify.headers["www-authenticate"] == 'Bearer realm="api"'
    unknown = await house.http.get("/v1/nowhere")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    openai = await house.http.get("/v1/models", headers=bearer("ws-x"))
    assert openai.status_code == 401
    assert openai.json()["error"]["type"] == "authentication_error"
    key = (await house.imported(app()))["api_key"]
    invalid = await house.http.post(
        "/v1/workflows/run",
        content=b"{",
        headers={**bearer(key), "content-type": "application/json"},
    )
    assert invalid.status_code == 400
    assert set(invalid.json()) == {"code", "message", "status"}
    # A key of one kind opens no door of another.
    assert (await house.http.get("/api/apps", headers=bearer(key))).status_code == 401
    assert (await house.http.get("/v1/info", headers=house.admin())).status_code == 401


async def test_another_tenants_ids_are_unknown(house: House) -> None:
    imported = await house.imported(app())
    body: dict[str, Any] = {"inputs": {}, "user": "u"}
    key = imported["api_key"]
    run = (await house.http.post("/v1/workflows/run", json=body, headers=bearer(key))).json()
    tenant_id = uuid7()
    await PostgresTenantRepository(house.pool, house.sweeper_pool).add(tenant_id, "Other")
    stranger = key_from_number("adm", 7**90)
    principal = Principal(tenant_id=tenant_id, key_id=uuid7(), kind="adm")
    await house.index.open(principal, key_hash(stranger))
    for path in (
        f"/api/apps/{imported['app_id']}",
        f"/api/apps/{imported['app_id']}/export",
        f"/api/runs/{run['task_id']}",
        f"/api/runs/{run['task_id']}/trace",
    ):
        assert (await house.http.get(path, headers=bearer(stranger))).status_code == 404
        assert (await house.http.get(path, headers=house.admin())).status_code == 200
    for verb in ("publish", "keys"):
        path = f"/api/apps/{imported['app_id']}/{verb}"
        assert (await house.http.post(path, headers=bearer(stranger))).status_code == 404
    other = (await house.imported(app(name="Other")))["api_key"]
    detail = await house.http.get(f"/v1/workflows/run/{run['task_id']}", headers=bearer(other))
    assert detail.status_code == 404
    assert detail.json()["code"] == "not_found"


async def test_the_wall_stands_below_the_repositories(house: House) -> None:
    await house.imported(app())
    tables = await house.sweeper_pool.fetch(
        "select relname from pg_class c join pg_namespace n on n.oid = relnamespace "
        "where nspname = 'backend' and relkind = 'r' "
        "and not (relrowsecurity and relforcerowsecurity)"
    )
    assert {row["relname"] for row in tables} == {"schema_version"}
    assert await house.pool.fetchval("select count(*) from backend.apps") == 0


async def test_a_revoked_key_opens_nothing_and_is_not_made_again(house: House) -> None:
    imported = await house.imported(app())
    key = imported["api_key"]
    opened = await house.index.find(key_hash(key))
    assert opened is not None
    gone = await house.http.delete(f"/api/keys/{opened.key_id}", headers=house.admin())
    assert gone.status_code == 204
    assert (await house.http.get("/v1/info", headers=bearer(key))).status_code == 401
    again = await house.imported(app())
    assert again["api_key"] != key
    assert (await house.http.get("/v1/info", headers=bearer(again["api_key"]))).status_code == 200
    more = await house.http.post(f"/api/apps/{imported['app_id']}/keys", headers=house.admin())
    assert (await house.http.get("/v1/info", headers=bearer(more.json()["api_key"]))).json()[
        "mode"
    ] == "workflow"


async def test_first_start_happens_once_and_honours_its_file(house: House) -> None:
    path = house.folder / "credentials.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    tenants = PostgresTenantRepository(house.pool, house.sweeper_pool)
    keys = PostgresApiKeyRepository(house.pool)
    again = FirstStart(tenants, keys, house.index, StateFolderCredentials(house.folder))
    assert await again() == house.tenant_id
    assert path.read_bytes() == before
    path.unlink()
    assert await again() == house.tenant_id
    replaced: dict[str, Any] = json.loads(path.read_bytes())
    assert replaced["admin_token"] != house.keys.admin_token
    listed = await house.http.get("/api/apps", headers=bearer(replaced["workspace_api_key"]))
    assert listed.status_code == 200


async def test_credentials_are_sealed_and_served_by_reference(house: House) -> None:
    path = "/api/providers/openai"
    body = {"api_key": "sk-secret", "base_url": "http://127.0.0.1:9/v1"}
    stored = await house.http.put(path, json=body, headers=house.admin())
    assert stored.json() == {"name": "openai", "base_url": body["base_url"], "revision": 1}
    await house.http.put(path, json=body, headers=house.admin())
    shown = await house.http.get(path, headers=house.admin())
    assert shown.json()["revision"] == 2
    assert "sk-secret" not in shown.text
    served = await house.bus.request(
        CREDENTIAL,
        CredentialQuery(tenant_id=house.tenant_id, provider="openai"),
        envelope=Envelope(tenant_id=house.tenant_id),
        timeout=5,
    )
    box = SealedBox(MASTER_KEY)
    opened = box.open(served.sealed, tenant_id=house.tenant_id, purpose="provider:openai")
    assert json.loads(opened) == {"api_key": "sk-secret"}
    assert (await house.http.delete(path, headers=house.admin())).status_code == 204
    assert (await house.http.get(path, headers=house.admin())).status_code == 404
    nothing = await house.bus.request(
        CREDENTIAL,
        CredentialQuery(tenant_id=uuid4(), provider="openai"),
        envelope=Envelope(),
        timeout=5,
    )
    assert not nothing.found


async def test_a_runs_trace_is_the_engines(house: House) -> None:
    key = (await house.imported(app()))["api_key"]
    body: dict[str, Any] = {"inputs": {"text": "x"}, "user": "u"}
    run = (await house.http.post("/v1/workflows/run", json=body, headers=bearer(key))).json()
    path = f"/api/runs/{run['task_id']}/trace"
    trace = (await house.http.get(path, headers=house.admin())).json()
    assert trace["run"]["status"] == "succeeded"
    assert trace["run"]["outputs"] == {"answer": "echo: x"}
    node = trace["nodes"][0]
    assert node["node_id"] == "llm"
    assert node["type"] == "llm"
    assert (node["elapsed_seconds"], node["total_tokens"], node["error"]) == (0.5, 7, None)


async def test_a_host_without_keys_needs_only_its_url(house: House) -> None:
    path = "/api/providers/openai_compatible"
    body = {"base_url": "http://127.0.0.1:11434/v1"}
    stored = await house.http.put(path, json=body, headers=house.admin())
    assert stored.json() == {"name": "openai_compatible", "revision": 1} | body
    nothing = await house.http.put(path, json={}, headers=house.admin())
    assert nothing.status_code == 400
    assert "api_key" in nothing.json()["errors"][0]["detail"]
