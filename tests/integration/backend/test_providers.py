"""Providers through the native API: only what the catalogue knows is stored."""

from typing import Any

import pytest

from tests.integration.backend.conftest import House


@pytest.mark.parametrize(
    ("name", "body", "pointer", "words"),
    [
        ("opnai", {"api_key": "sk-x"}, "/name", "did you mean `openai`"),
        ("xyz", {"api_key": "sk-x"}, "/name", "known are `demo`, `openai`, `openai_compatible`"),
        ("openai", {"api_keey": "sk-x"}, "/api_keey", "did you mean `api_key`?"),
        ("openai_compatible", {"api_key": "sk-x"}, "/base_url", "`base_url` (Base URL) is missing"),
        ("demo", {"api_key": "sk-x"}, "/api_key", "`api_key` is no field"),
    ],
)
async def test_what_the_catalogue_does_not_know_is_refused_and_not_stored(
    house: House, name: str, body: dict[str, Any], pointer: str, words: str
) -> None:
    path = f"/api/providers/{name}"
    answer = await house.http.put(path, json=body, headers=house.admin())
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    (place, *_) = answer.json()["errors"]
    assert place["pointer"] == pointer
    assert words in place["detail"]
    assert "sk-x" not in answer.text
    assert (await house.http.get(path, headers=house.admin())).status_code == 404


async def test_the_list_tells_what_is_set_and_never_the_key(house: House) -> None:
    body = {"api_key": "sk-secret"}
    await house.http.put("/api/providers/openai", json=body, headers=house.admin())
    answer = await house.http.get("/api/providers", headers=house.admin())
    assert "sk-secret" not in answer.text
    listed = {each["name"]: each for each in answer.json()["providers"]}
    assert list(listed) == ["demo", "openai", "openai_compatible"]
    assert [each["configured"] for each in listed.values()] == [False, True, False]
    assert listed["openai"]["revision"] == 1
    assert listed["openai"]["base_url"] == "https://api.openai.com/v1"
    assert listed["openai_compatible"]["any_model"] is True
    assert [field["name"] for field in listed["openai"]["fields"]] == ["api_key", "base_url"]
    workspace = {"Authorization": f"Bearer {house.keys.workspace_api_key}"}
    assert (await house.http.get("/api/providers", headers=workspace)).status_code == 401
