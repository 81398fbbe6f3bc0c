"""Files that runs are given: checked against what the app declares, and kept for the run."""

from typing import Any

import httpx
import pytest

from libs.common.identifiers import uuid7
from tests.integration.backend.conftest import House, bearer
from tests.integration.backend.file_apps import PNG, file_app, local, remote, uploaded

PICTURE = "https://pictures.example.test/a/cat.png?size=1"


@pytest.fixture
async def key(house: House) -> str:
    return (await house.imported(file_app()))["api_key"]


async def said(house: House, key: str, user: str = "ada", **body: Any) -> httpx.Response:
    whole: dict[str, Any] = {"inputs": {}, "query": "look", "user": user, **body}
    return await house.http.post("/v1/chat-messages", json=whole, headers=bearer(key))


def given(house: House) -> Any:
    """What the engine was asked last."""
    return list(house.engine.runs.values())[-1].acceptance


async def test_an_uploaded_file_is_what_its_nodes_read(house: House, key: str) -> None:
    file_id = await uploaded(house, key, "plan.md", b"# Plan", mime_type="text/markdown")
    answer = await said(house, key, inputs={"doc": local(file_id)})
    assert answer.status_code == 200, answer.text
    doc = given(house).inputs["doc"]
    object_key, url = doc.pop("object_key"), doc.pop("url")
    assert doc == {
        "dify_model_identity": "__dify__file__",
        "id": None,
        "type": "document",
        "transfer_method": "local_file",
        "remote_url": None,
        "related_id": file_id,
        "filename": "plan.md",
        "extension": ".md",
        "mime_type": "text/markdown",
        "size": 6,
    }
    assert await house.objects.get(object_key) == b"# Plan"
    assert (await house.http.get(url)).content == b"# Plan"


async def test_files_beside_the_inputs_are_the_messages(house: House, key: str) -> None:
    file_id = await uploaded(house, key, "a.png", PNG, mime_type="image/png")
    answer = await said(house, key, files=[local(file_id, "image"), remote(PICTURE)])
    assert answer.status_code == 200, answer.text
    uploaded_one, linked = given(house).system["files"]
    assert uploaded_one["related_id"] == file_id
    assert (linked["filename"], linked["extension"], linked["mime_type"], linked["url"]) == (
        "cat.png",
        ".png",
        "image/png",
        PICTURE,
    )
    messages = await house.http.get(
        "/v1/messages",
        params={"user": "ada", "conversation_id": answer.json()["conversation_id"]},
        headers=bearer(key),
    )
    first, second = messages.json()["data"][0]["message_files"]
    assert (first["upload_file_id"], first["filename"], first["size"]) == (file_id, "a.png", 72)
    assert (first["belongs_to"], first["transfer_method"]) == ("user", "local_file")
    assert (await house.http.get(first["url"])).content == PNG
    assert (second["url"], second["upload_file_id"]) == (PICTURE, None)


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ({"type": "document"}, "transfer_method"),
        ({"transfer_method": "tool_file", "tool_file_id": "x"}, "transfer_method"),
        ({"transfer_method": "local_file", "upload_file_id": "x"}, "Invalid upload file id format"),
        ({"transfer_method": "local_file", "upload_file_id": str(uuid7())}, "Invalid upload file."),
        (remote("https://x.example.test/a.txt", "document"), "remote_url"),
    ],
)
async def test_a_file_that_is_none_is_refused_by_the_inputs_name(
    house: House, key: str, file: dict[str, Any], says: str
) -> None:
    answer = await said(house, key, inputs={"doc": file})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_param"), answer.text
    assert answer.json()["message"].startswith("inputs.doc: ")
    assert says in answer.json()["message"]
    assert house.engine.runs == {}


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("a.png", "image", "document"),
        ("a.txt", "image", "does not match"),
        ("a.zip", "custom", "json"),
        ("a.txt", "text", "type must be"),
    ],
)
async def test_a_file_of_another_type_is_refused(
    house: House, key: str, name: str, kind: str, says: str
) -> None:
    file_id = await uploaded(house, key, name, b"x", mime_type="application/zip")
    answer = await said(house, key, inputs={"doc": local(file_id, kind)})
    assert answer.status_code == 400
    assert says in answer.json()["message"]


async def test_too_many_files_are_refused_by_name(house: House, key: str) -> None:
    pictures = [remote(PICTURE)] * 3
    bodies: dict[str, dict[str, Any]] = {
        "inputs.images": {"inputs": {"images": pictures}},
        "files": {"files": pictures},
    }
    for name, body in bodies.items():
        answer = await said(house, key, **body)
        assert answer.status_code == 400
        assert answer.json()["message"].startswith(f"{name}: these are 3 files")
    wrong = await said(house, key, files=[remote(PICTURE), remote("ftp://x/a.png")])
    assert wrong.json()["message"].startswith("files.1: ")


async def test_another_users_or_apps_file_is_unknown(house: House, key: str) -> None:
    file_id = await uploaded(house, key, "a.txt", b"secret", user="eve")
    other = (await house.imported(file_app("workflow")))["api_key"]
    nobodys = await said(house, key, inputs={"doc": local(str(uuid7()))})
    hers = await said(house, key, inputs={"doc": local(file_id)})
    assert (hers.status_code, hers.json()) == (400, nobodys.json())
    body = {"inputs": {"doc": local(file_id)}, "user": "eve"}
    elsewhere = await house.http.post("/v1/workflows/run", json=body, headers=bearer(other))
    assert (elsewhere.status_code, elsewhere.json()) == (400, nobodys.json())


@pytest.mark.parametrize("name", ["doc", "anything"])
async def test_nobody_names_an_object_of_the_store(house: House, key: str, name: str) -> None:
    file_id = await uploaded(house, key, "a.txt", b"secret", user="eve")
    (stored,) = [info.key async for info in house.objects.list("uploads/")]
    forged = {**local(file_id), "related_id": file_id, "object_key": stored}
    answer = await said(house, key, inputs={name: forged if name == "doc" else [{"x": forged}]})
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(f"inputs.{name}: ")


async def test_an_app_without_the_feature_is_not_given_files(house: House) -> None:
    document = file_app().replace("enabled: true", "enabled: false")
    key = (await house.imported(document))["api_key"]
    answer = await said(house, key, files=[remote(PICTURE)])
    assert answer.status_code == 200
    assert given(house).system["files"] == []


async def test_other_files_under_one_idempotency_key_are_another_request(
    house: House, key: str
) -> None:
    headers = {**bearer(key), "Idempotency-Key": "one"}
    body: dict[str, Any] = {
        "inputs": {},
        "query": "look",
        "user": "ada",
        "files": [remote(PICTURE)],
    }
    first = await house.http.post("/v1/chat-messages", json=body, headers=headers)
    again = await house.http.post("/v1/chat-messages", json=body, headers=headers)
    assert first.json()["message_id"] == again.json()["message_id"]
    other = {**body, "files": [remote(PICTURE), remote(PICTURE)]}
    refused = await house.http.post("/v1/chat-messages", json=other, headers=headers)
    assert refused.status_code == 409
