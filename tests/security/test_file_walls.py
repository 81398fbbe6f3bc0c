"""Uploaded files belong to one user of one app of one tenant, wherever a request names them."""

from typing import Any

import pytest

from libs.common.identifiers import uuid7
from tests.security.graphs import document, node
from tests.security.rows import rows_of_first_tenant
from tests.security.stage import SAID, Json, Stage, bearer

pytestmark = pytest.mark.xdist_group("security")

_READER = document(
    [
        node("s", "start", variables=[{"variable": "f", "type": "file", "required": False}]),
        node("d", "document-extractor", variable_selector=["s", "f"]),
        node("e", "end", outputs=[{"variable": "o", "value_selector": ["d", "text"]}]),
    ],
    name="Reader",
)


def asked(stage: Stage, key: str, inputs: Json, user: str = "owner") -> Any:
    body = {"inputs": inputs, "user": user, "response_mode": "blocking"}
    return stage.http.post("/v1/workflows/run", json=body, headers=bearer(key))


def named(file_id: str) -> Json:
    return {"transfer_method": "local_file", "upload_file_id": file_id}


def test_a_run_cannot_name_a_file_of_others(stage: Stage) -> None:
    before = rows_of_first_tenant(stage)
    theirs = stage.imported(_READER, key=stage.second.workspace_key)["api_key"]
    refused = asked(stage, theirs, {"f": named(stage.first.file_id)})
    nobodys = asked(stage, theirs, {"f": named(str(uuid7()))})
    assert (refused.status_code, refused.json()) == (400, nobodys.json())
    assert rows_of_first_tenant(stage) == before


def test_a_forged_value_opens_nothing(stage: Stage) -> None:
    """What is not declared reaches the graph as it was sent, and still leads nowhere."""
    reader = _READER.replace(b'"variable": "f"', b'"variable": "g"')
    key = stage.imported(reader, key=stage.second.workspace_key)["api_key"]
    tenant = str(uuid7())
    forged = {**named(stage.first.file_id), "type": "document", "related_id": stage.first.file_id}
    told = asked(stage, key, {"f": forged}).json()["data"]
    assert (told["status"], SAID in str(told)) == ("failed", False)
    stored = {**forged, "object_key": f"uploads/{tenant}/{stage.first.file_id}.x"}
    for inputs in ({"f": stored}, {"x": [{"deep": stored}]}):
        answer = asked(stage, key, inputs)
        assert (answer.status_code, "object_key" in answer.json()["message"]) == (400, True)


def test_a_file_is_its_users_own(stage: Stage) -> None:
    key = stage.imported(_READER)["api_key"]
    sent = stage.http.post(
        "/v1/files/upload",
        files={"file": ("a.txt", b"mine", "text/plain")},
        data={"user": "owner"},
        headers=bearer(key),
    ).json()
    assert asked(stage, key, {"f": named(sent["id"])}).json()["data"]["outputs"] == {"o": "mine"}
    assert asked(stage, key, {"f": named(sent["id"])}, user="mallory").status_code == 400
    other = stage.imported(_READER.replace(b"Reader", b"Another reader"))["api_key"]
    assert asked(stage, other, {"f": named(sent["id"])}).status_code == 400
