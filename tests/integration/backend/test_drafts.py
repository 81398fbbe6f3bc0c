"""Replacing an app's draft through the native API, and having it back."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import yaml

from services.backend.domain.apps.environment_secrets import secret_version
from tests.integration.backend.conftest import House
from tests.integration.backend.documents import app


def with_secret(value: str, *, name: str = "Echo") -> str:
    document = yaml.safe_load(app(name=name))
    document["workflow"]["environment_variables"] = [
        {"id": "e", "name": "KEY", "value_type": "secret", "value": value}
    ]
    return yaml.safe_dump(document)


async def put(
    house: House, app_id: str, document: str, *, seen: str | None = None, publish: bool = False
) -> httpx.Response:
    return await house.http.put(
        f"/api/apps/{app_id}/draft",
        params={"publish": str(publish).lower()},
        content=document.encode(),
        headers=house.admin() | ({} if seen is None else {"If-Match": seen}),
    )


async def exported(house: House, app_id: str) -> httpx.Response:
    answer = await house.http.get(f"/api/apps/{app_id}/export", headers=house.admin())
    return answer.raise_for_status()


async def opened(house: House, app_id: str) -> tuple[int, str]:
    """The version that the draft has of its secret, and its value."""
    secrets = house.cases.environment_secrets
    draft = await secrets.apps.draft(house.tenant_id, UUID(app_id))
    assert draft is not None
    version = secret_version(draft.definition, "KEY")
    assert version is not None
    for value in ("", "first", "second"):
        if await secrets.is_value(house.tenant_id, UUID(app_id), "KEY", version, value):
            return version, value
    raise AssertionError("another value")


async def test_a_replaced_draft_changes_nothing_that_is_published(house: House) -> None:
    imported = await house.imported(app())
    app_id = imported["app_id"]
    assert imported["revision"] == 1
    other = app(name="Louder")
    answer = await put(house, app_id, other)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    told = answer.json()
    assert [warning["code"] for warning in told.pop("report")["warnings"]] == ["dsl_version_older"]
    assert told == {
        "app_id": app_id,
        "mode": "workflow",
        "name": "Louder",
        "revision": 2,
        "version_id": imported["version_id"],
        "published": False,
    }
    shown = (await house.http.get(f"/api/apps/{app_id}", headers=house.admin())).json()
    assert (shown["name"], shown["revision"]) == ("Louder", 2)
    assert shown["version_id"] == imported["version_id"]
    back = await exported(house, app_id)
    assert (back.text, back.headers["etag"]) == (other, '"2"')


async def test_with_publish_it_runs(house: House) -> None:
    imported = await house.imported(app())
    document = app().replace("title: LLM", "title: Other")
    told = (await put(house, imported["app_id"], document, publish=True)).json()
    assert told["published"]
    assert told["version_id"] != imported["version_id"]
    refused = await put(house, imported["app_id"], app(kind="mystery"), publish=True)
    assert refused.status_code == 200
    assert [error["field"] for error in refused.json()["report"]["errors"]] == ["type"]
    assert not refused.json()["published"]
    assert refused.json()["version_id"] == told["version_id"]


async def test_who_has_not_seen_the_draft_does_not_replace_it(house: House) -> None:
    app_id = (await house.imported(app()))["app_id"]
    first = await put(house, app_id, app(name="First"), seen='"1"')
    assert first.status_code == 200
    late = await put(house, app_id, app(name="Late"), seen='"1"')
    assert (late.status_code, late.json()["code"]) == (412, "draft_changed")
    assert late.json()["revision"] == 2
    assert (await exported(house, app_id)).text == app(name="First")
    # A lost answer: the same request again finds its own work done.
    again = await put(house, app_id, app(name="First"), seen='"1"')
    assert (again.status_code, again.json()["revision"]) == (200, 2)
    assert (await put(house, app_id, app(name="Any"), seen="*")).json()["revision"] == 3
    for wrong in ("2", 'W/"2"', '"2", "3"', '"x"', '"99999999999999999999"'):
        assert (await put(house, app_id, app(), seen=wrong)).status_code == 400


async def test_one_of_two_at_once_is_the_draft(house: House) -> None:
    app_id = (await house.imported(app()))["app_id"]
    names = [f"App {place}" for place in range(6)]
    answers = await asyncio.gather(
        *(put(house, app_id, app(name=name), seen='"1"') for name in names)
    )
    done = [answer for answer in answers if answer.status_code == 200]
    assert len(done) == 1
    assert {answer.status_code for answer in answers} <= {200, 409, 412}
    assert done[0].json()["name"] in (await exported(house, app_id)).text


async def test_an_exported_document_keeps_its_secrets(house: House) -> None:
    app_id = (await house.imported(with_secret("first")))["app_id"]
    back = (await exported(house, app_id)).text
    assert "first" not in back
    again = await put(house, app_id, back)
    assert again.status_code == 200
    assert (await exported(house, app_id)).text == back
    assert await opened(house, app_id) == (1, "first")
    await put(house, app_id, with_secret("first"))
    assert await opened(house, app_id) == (1, "first")
    await put(house, app_id, with_secret("second"))
    assert await opened(house, app_id) == (2, "second")
    await put(house, app_id, app())
    await put(house, app_id, with_secret(""))
    assert await opened(house, app_id) == (3, "")


async def test_a_changed_secret_is_a_revision(house: House) -> None:
    app_id = (await house.imported(with_secret("first")))["app_id"]
    path = f"/api/apps/{app_id}/secrets/KEY"
    changed = await house.http.put(path, json={"value": "second"}, headers=house.admin())
    assert changed.status_code == 200
    late = await put(house, app_id, with_secret("", name="Late"), seen='"1"')
    assert (late.status_code, late.json()["revision"]) == (412, 2)
    assert await opened(house, app_id) == (2, "second")


async def test_what_is_refused_leaves_the_draft(house: House) -> None:
    app_id = (await house.imported(app()))["app_id"]
    refusals: list[tuple[str, int, str]] = [
        (app(mode="advanced-chat"), 409, "app_mode_differs"),
        ("app: [", 400, "dsl_invalid"),
        ("#" * (10 * 1024 * 1024 + 1), 413, "document_too_large"),
    ]
    for document, status, code in refusals:
        answer = await put(house, app_id, document)
        told: dict[str, Any] = answer.json()
        assert (answer.status_code, told["code"]) == (status, code)
    back = await exported(house, app_id)
    assert (back.text, back.headers["etag"]) == (app(), '"1"')


async def test_an_app_that_was_replaced_is_not_the_first_document_any_more(house: House) -> None:
    first = await house.imported(app())
    await put(house, first["app_id"], app().replace("LLM", "Other"))
    anew = await house.imported(app())
    assert anew["app_id"] != first["app_id"]
