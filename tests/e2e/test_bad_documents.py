"""Documents that are no apps, and apps that cannot run: refused, or kept with a report."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.e2e.documents import app, end, greeting, start, template, variable
from tests.e2e.world import World

pytestmark = pytest.mark.xdist_group("e2e")

_TEN_MEGABYTES = 10 * 1024 * 1024


def _apps(world: World) -> list[str]:
    listed = world.http.get("/api/apps", headers=world.admin).json()["apps"]
    return [each["app_id"] for each in listed]


def _without(*path: str) -> bytes:
    document = greeting()
    place = document
    for name in path[:-1]:
        place = place[name]
    del place[path[-1]]
    return yaml.safe_dump(document).encode()


@pytest.mark.parametrize(
    ("source", "says"),
    [
        pytest.param(b"app: {name: x\nkind: [", "line 2", id="not-yaml"),
        pytest.param(b"\xff\xfe\x00broken", "YAML", id="not-text"),
        pytest.param(b"just words", "mapping", id="not-a-mapping"),
        pytest.param(b"", "mapping", id="empty"),
        pytest.param(_without("app"), "app", id="not-an-app"),
        pytest.param(_without("workflow"), "workflow", id="no-workflow"),
        pytest.param(_without("workflow", "graph"), "graph", id="no-graph"),
        pytest.param(_without("workflow", "graph", "nodes"), "nodes", id="no-nodes"),
        pytest.param(b"#" * (_TEN_MEGABYTES + 1), "10485760", id="over-10-MB"),
    ],
)
def test_what_is_no_app_is_refused_and_not_stored(world: World, source: bytes, says: str) -> None:
    before = _apps(world)
    answer = world.import_source(source)
    status = 413 if len(source) > _TEN_MEGABYTES else 400
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem = answer.json()
    assert problem["status"] == status
    assert problem["code"]
    assert says in problem["detail"], problem
    assert _apps(world) == before


def test_a_refusal_names_the_place(world: World) -> None:
    document = greeting()
    document["workflow"]["graph"]["nodes"] = {}
    problem = world.import_source(yaml.safe_dump(document).encode()).json()
    assert problem["errors"][0]["pointer"] == "/workflow/graph/nodes"
    assert "line " in problem["detail"]


def _unknown_type(document: dict[str, Any]) -> None:
    document["workflow"]["graph"]["nodes"][1]["data"]["type"] = "teleport"


def _cycle(document: dict[str, Any]) -> None:
    graph = document["workflow"]["graph"]
    graph["nodes"].append(template("again", "again"))
    graph["edges"] += [
        {"source": "greet", "target": "again"},
        {"source": "again", "target": "greet"},
    ]


def _edge_to_nowhere(document: dict[str, Any]) -> None:
    document["workflow"]["graph"]["edges"].append({"source": "greet", "target": "missing"})


def _bad_template(document: dict[str, Any]) -> None:
    document["workflow"]["graph"]["nodes"][1]["data"]["template"] = "{{ name "


@pytest.mark.parametrize(
    ("spoil", "node", "field"),
    [
        pytest.param(_unknown_type, "greet", "type", id="unknown-node-type"),
        pytest.param(_cycle, "greet", "edges", id="cycle"),
        pytest.param(_edge_to_nowhere, "greet", "edges", id="edge-to-nowhere"),
        pytest.param(_bad_template, "greet", "template", id="bad-template"),
    ],
)
def test_a_graph_that_cannot_run_is_kept_as_a_draft_with_a_report(
    world: World, spoil: Callable[[dict[str, Any]], None], node: str, field: str
) -> None:
    document = greeting()
    spoil(document)
    kept = world.import_app(document)
    assert kept.version_id is None
    found = {(each["node_id"], each["field"]) for each in kept.report["errors"]}
    assert (node, field) in found, kept.report
    shown = world.http.get(f"/api/apps/{kept.app_id}", headers=world.admin).json()
    assert shown["report"]["errors"] == kept.report["errors"]

    refused = world.http.post(f"/api/apps/{kept.app_id}/publish", headers=world.admin)
    assert 400 <= refused.status_code < 500
    assert (node, field) in {
        (each["node_id"], each["field"]) for each in refused.json()["report"]["errors"]
    }

    run = world.run(kept, {"name": "Ada"})
    assert 400 <= run.status_code < 500
    assert node in str(run.json()["report"]["errors"])


def test_a_selector_to_nowhere_is_a_warning_and_an_empty_value(world: World) -> None:
    nodes = [
        start(variable("name")),
        template("greet", "Hello, {{ name }}!", name=["nowhere", "name"]),
        end(text=["greet", "output"], gone=["nowhere", "output"]),
    ]
    kept = world.import_app(app("nowhere", nodes, [("start", "greet"), ("greet", "end")]))
    assert kept.report["errors"] == []
    warned = {each["node_id"] for each in kept.report["warnings"]}
    assert {"greet", "end"} <= warned, kept.report
    outcome = world.outcome(kept, {"name": "Ada"})
    assert outcome["status"] == "succeeded"
    assert outcome["outputs"] == {"text": "Hello, None!", "gone": None}


def test_importing_executes_nothing(world: World) -> None:
    document = greeting()
    document["workflow"]["graph"]["nodes"][1]["data"]["template"] = "{{ 'a' * 2000000000 }}"
    hostile = yaml.safe_dump(document) + "\nevil: !!python/object/apply:os.system ['exit 1']\n"
    answer = world.import_source(hostile.encode(), publish=False)
    assert answer.status_code in {200, 201, 400}, answer.text
    harmless = yaml.safe_dump(document).encode()
    assert world.import_source(harmless, publish=False).is_success
