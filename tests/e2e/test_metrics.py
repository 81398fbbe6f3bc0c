"""What /metrics of the four services shows after work, and that the guide tells all of it."""

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import httpx
import pytest

from tests.e2e.documents import app, code, end, llm, start
from tests.e2e.world import World
from tests.support.platform import SERVICES
from tests.support.scripted_upstream import Answer

pytestmark = pytest.mark.xdist_group("e2e")

_GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "observability.md"
_HELP = re.compile(r"^# HELP ((?:heddle|http)_\w+) (.+)$", re.MULTILINE)
_TYPE = re.compile(r"^# TYPE ((?:heddle|http)_\w+) (\w+)$", re.MULTILINE)
_ROW = re.compile(
    r"^\| `((?:heddle|http)_\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE
)
_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")


def test_every_metric_stands_in_the_guide_with_its_meaning(world: World) -> None:
    told = {row[1]: (row[2], row[3], row[5]) for row in _ROW.finditer(_GUIDE.read_text())}
    meanings: dict[str, str] = {}
    kinds: dict[str, str] = {}
    shown_by: dict[str, set[str]] = defaultdict(set)
    for service in SERVICES:
        page = _page(world, service)
        kinds |= dict(_TYPE.findall(page))
        for name, meaning in _HELP.findall(page):
            meanings[name] = meaning
            shown_by[name].add(service)
    assert told == {
        name: (kinds[name], _services(shown_by[name]), meaning)
        for name, meaning in meanings.items()
        if not name.endswith("_created")
    }


def test_a_run_moves_the_numbers_and_names_no_tenant(world: World) -> None:
    world.provider(lambda _: Answer(text="three small words"))
    nodes = [start(), llm("model", "Speak."), code("work", _SNIPPET), end(text=["work", "result"])]
    edges: list[tuple[str, ...]] = [("start", "model"), ("model", "work"), ("work", "end")]
    told = world.import_app(app("counted", nodes, edges))
    before = {service: _page(world, service) for service in SERVICES}
    assert world.outcome(told, {})["status"] == "succeeded"
    after = {service: _page(world, service) for service in SERVICES}

    def grown(service: str, name: str, **labels: str) -> float:
        return _sum(after[service], name, labels) - _sum(before[service], name, labels)

    assert grown("engine", "heddle_engine_runs_accepted_total", outcome="claimed") == 1
    assert grown("engine", "heddle_engine_runs_ended_total", status="succeeded") == 1
    assert grown("engine", "heddle_engine_nodes_executed_total") == 4
    assert grown("engine", "heddle_engine_group_commit_rows_count") >= 3
    assert grown("engine", "heddle_engine_group_commit_seconds_sum") > 0
    assert grown("engine", "heddle_engine_journal_bytes_total") > 500
    assert grown("engine", "heddle_engine_events_published_total") >= 8
    for kind in ("model", "code"):
        name = "heddle_engine_effect_seconds_count"
        assert grown("engine", name, kind=kind, outcome="completed") == 1
    assert 0 < _sum(after["engine"], "heddle_engine_lease_remaining_seconds", {}) <= 10
    assert _sum(after["engine"], "heddle_engine_runs_under_way", {}) == 0
    accepted = {"subject": "engine.runs.accept", "outcome": "ok"}
    assert grown("backend", "heddle_bus_request_seconds_count", **accepted) == 1
    assert grown("engine", "heddle_bus_served_seconds_count", **accepted) == 1
    model = {"provider": "openai", "model": "*"}
    assert grown("inference", "heddle_model_tokens_total", **model, direction="output") == 3
    assert grown("inference", "heddle_model_call_seconds_count", **model, outcome="ok") == 1
    assert grown("plugin", "heddle_bus_served_seconds_count", subject="plugin.code.run") == 1
    assert grown("backend", "http_server_request_duration_seconds_count") >= 1
    for service in SERVICES:
        most = {"pool": "app", "state": "most"}
        assert _sum(after[service], "heddle_database_connections", most) >= 1
        assert [label for label in _labels(after[service]) if _IDS.search(label)] == []


_SNIPPET = """
def main():
    return {"result": "done"}
"""


def _services(names: set[str]) -> str:
    return "all" if len(names) == len(SERVICES) else ", ".join(sorted(names))


def _page(world: World, service: str) -> str:
    answer = httpx.get(f"{world.platform.replica(service).url}/metrics", timeout=30)
    assert answer.status_code == 200
    return answer.text


def _sum(page: str, name: str, labels: dict[str, str]) -> float:
    return sum(
        float(sample[3])
        for sample in _SAMPLE.finditer(page)
        if sample[1] == name and labels.items() <= dict(_LABEL.findall(sample[2] or "")).items()
    )


def _labels(page: str) -> Iterable[str]:
    return {
        value for sample in _SAMPLE.finditer(page) for _, value in _LABEL.findall(sample[2] or "")
    }
