"""A secret environment variable does its work everywhere and is kept in the clear nowhere."""

import json
from collections.abc import Iterator

import pytest
from pydantic import JsonValue

from tests.security.graphs import node
from tests.security.planted import (
    IN_THE_OPEN,
    MADE_OF_IT,
    PLANTED,
    kept_of_first_tenant,
    uses_its_secret,
    waits_with_its_secret,
    with_secret,
)
from tests.security.raw_web import RawWeb
from tests.security.stage import Json, Stage, bearer
from tests.support.eventually import eventually
from tests.support.platform import SERVICES

pytestmark = pytest.mark.xdist_group("security")
URL = "http://web.example.test"


def says(web: RawWeb, said: str) -> None:
    """Have the web answer every request with this text."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(said)}"
    web.reply = f"{head}\r\n\r\n{said}".encode()


@pytest.fixture
def echo(web: RawWeb) -> Iterator[RawWeb]:
    """The web says the secret back."""
    before = web.reply
    says(web, PLANTED)
    yield web
    web.reply = before


def traced(stage: Stage, run: Json) -> str:
    answer = stage.http.get(
        f"/api/runs/{run['id']}/trace", headers=bearer(stage.platform.admin_token)
    )
    return answer.raise_for_status().text


def test_a_run_uses_it_and_nothing_keeps_it(stage: Stage, echo: RawWeb) -> None:
    app = stage.imported(uses_its_secret(URL))
    run = stage.run(app["api_key"])
    assert (run["status"], run["error"]) == ("succeeded", None)
    length = len(f"{PLANTED} {MADE_OF_IT} {len(PLANTED)}")
    assert run["outputs"] == {"o": str(length)}

    failing = stage.imported(uses_its_secret(URL, ends="badly"))
    failed = stage.run(failing["api_key"])
    assert failed["status"] == "failed"
    assert "cannot use ******" in failed["error"]

    for each in (run, failed):
        trace = traced(stage, each)
        assert "******" in trace
        assert PLANTED not in trace

    kept = kept_of_first_tenant(stage)
    assert any(place.startswith("engine.journal") for place in kept)
    assert any(place.startswith("plugin.call_claims") for place in kept)
    assert any("/objects/messages/" in place for place in kept), "a body travelled by reference"
    for secret in (PLANTED, MADE_OF_IT):
        assert [place for place, data in kept.items() if secret.encode() in data] == []
        assert [service for service in SERVICES if secret in stage.platform.log(service)] == []


def test_the_snapshot_of_a_long_run_tells_nothing(stage: Stage, web: RawWeb) -> None:
    app = stage.imported(waits_with_its_secret(URL))
    admin = bearer(stage.platform.admin_token)

    def snapshots() -> list[str]:
        kept = kept_of_first_tenant(stage)
        return [place for place in kept if place.startswith("engine.snapshots")]

    web.open.clear()
    try:
        begun = stage.http.post(
            f"/api/apps/{app['app_id']}/runs", json={"inputs": {}}, headers=admin
        ).raise_for_status()
        eventually(lambda: bool(snapshots()), within=30.0, what="a snapshot")
        kept = kept_of_first_tenant(stage)
        # It is above what a row holds.
        run_id = begun.json()["run_id"]
        large = [len(data) for place, data in kept.items() if f"{run_id}.snapshot." in place]
        assert max(large) > 4 * 15_000 * len(PLANTED)
        for secret in (PLANTED, MADE_OF_IT):
            assert [place for place, data in kept.items() if secret.encode() in data] == []
    finally:
        web.open.set()

    def ended() -> bool:
        run = stage.http.get(f"/api/runs/{run_id}", headers=admin)
        return run.json()["status"] == "succeeded"

    eventually(ended, within=30.0, what="the run's end")
    assert snapshots() == []


def test_the_same_look_finds_what_is_no_secret(stage: Stage, echo: RawWeb) -> None:
    says(echo, IN_THE_OPEN)
    app = stage.imported(uses_its_secret(URL, kind="string"))
    assert stage.run(app["api_key"])["status"] == "succeeded"
    kept = kept_of_first_tenant(stage)
    found = {place.split()[0] for place, data in kept.items() if IN_THE_OPEN.encode() in data}
    assert {"backend.app_versions", "backend.runs", "engine.journal"} <= found
    assert {"engine.runs", "engine.workflows", "plugin.call_claims"} <= found


def test_a_secret_works_like_any_text(stage: Stage) -> None:
    key: JsonValue = {"variable": "key", "value_selector": ["env", "KEY"]}
    template = node("t", "template-transform", template="<{{ key | upper }}>", variables=[key])
    code = node(
        "c",
        "code",
        code_language="python3",
        code="def main(key): return {'kind': type(key).__name__}",
        variables=[key],
        outputs={"kind": {"type": "string"}},
    )
    shown: JsonValue = [
        {"variable": "t", "value_selector": ["t", "output"]},
        {"variable": "c", "value_selector": ["c", "kind"]},
        {"variable": "e", "value_selector": ["env", "KEY"]},
    ]
    nodes = [node("s", "start", variables=[]), template, code, node("e", "end", outputs=shown)]
    outputs: list[Json] = []
    for kind in ("secret", "string"):
        app = stage.imported(with_secret(nodes, name=f"A {kind}", value="some text", kind=kind))
        outputs.append(stage.run(app["api_key"])["outputs"])
    assert outputs == [{"t": "<SOME TEXT>", "c": "str", "e": "some text"}] * 2


def test_the_export_has_none(stage: Stage) -> None:
    source = uses_its_secret(URL)
    app = stage.imported(source)
    answer = stage.http.get(
        f"/api/apps/{app['app_id']}/export", headers=bearer(stage.platform.admin_token)
    )
    assert PLANTED not in answer.text
    expected = json.loads(source)
    expected["workflow"]["environment_variables"][0]["value"] = ""
    assert json.loads(answer.text) == expected


def test_the_same_source_stays_one_app(stage: Stage) -> None:
    first, again = (stage.imported(uses_its_secret(URL)) for _ in range(2))
    assert first["app_id"] == again["app_id"]


def test_an_author_who_prints_it_publishes_it(stage: Stage) -> None:
    """As on Dify. Elsewhere than here nobody prints the planted one."""
    shown: JsonValue = [{"variable": "o", "value_selector": ["env", "KEY"]}]
    nodes = [node("s", "start", variables=[]), node("e", "end", outputs=shown)]
    app = stage.imported(with_secret(nodes, name="Prints", value="told-by-its-author"))
    run = stage.run(app["api_key"])
    assert run["outputs"] == {"o": "told-by-its-author"}
    kept = kept_of_first_tenant(stage)
    assert any(b"told-by-its-author" in data for data in kept.values()), "the look is blind"


def test_another_value_is_another_version_once_published(stage: Stage) -> None:
    shown: JsonValue = [{"variable": "o", "value_selector": ["env", "KEY"]}]
    nodes = [node("s", "start", variables=[]), node("e", "end", outputs=shown)]
    app = stage.imported(with_secret(nodes, name="Changes", value="first"))
    admin = bearer(stage.platform.admin_token)
    place = f"/api/apps/{app['app_id']}/secrets/KEY"
    told = [
        stage.http.put(place, json={"value": value}, headers=admin).json()
        for value in ("first", "second", "second")
    ]
    assert told == [{"name": "KEY", "version": version} for version in (1, 2, 2)]
    assert stage.run(app["api_key"])["outputs"] == {"o": "first"}
    stage.http.post(f"/api/apps/{app['app_id']}/publish", headers=admin).raise_for_status()
    assert stage.run(app["api_key"])["outputs"] == {"o": "second"}
    unknown = stage.http.put(
        f"/api/apps/{app['app_id']}/secrets/OTHER", json={"value": "x"}, headers=admin
    )
    assert unknown.status_code == 404
    others = stage.http.put(place, json={"value": "x"}, headers=bearer(stage.second.admin_token))
    assert others.status_code == 404
