"""Random acyclic graphs over the machine's test nodes, and what must become of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from services.engine.domain.execution.compile_workflow import CompiledWorkflow
from tests.unit.engine.execution.machine_nodes import workflow

_KINDS = ("pass", "fork", "ask", "ask", "chorus", "compute", "nap", "broken")
_SPEECH = ("ask", "ask", "ask", "duet", "pass")
_WORKING = frozenset({"ask", "chorus", "compute", "duet"})


@dataclass(slots=True)
class RandomGraph:
    """`nodes` in topological order, `edges` as (source, handle, target). `failures` is how many
    attempts of a node fail: at their first effect, or at the second where `late` says so."""

    nodes: dict[str, dict[str, Any]]
    edges: list[tuple[str, str, str]]
    failures: dict[str, int]

    def compiled(self) -> CompiledWorkflow:
        return workflow(self.nodes, [f"{s}:{h} > {t}" for s, h, t in self.edges])

    def fails(self, node: str, attempt: int, call: int) -> bool:
        failing = 1 if self.nodes[node].get("late") else 0
        return call == failing and attempt < self.failures.get(node, 0)

    def visited(self) -> set[str]:
        """Every node that runs when nothing ends the run early, found by plain recursion."""
        taken: set[str] = {"n0"}
        for node in list(self.nodes)[1:]:
            if any(t == node and s in taken and self._takes(s, h) for s, h, t in self.edges):
                taken.add(node)
        return taken

    def exceptions(self) -> int:
        """Failed attempts of all nodes that run."""
        return sum(self._failed_attempts(node) for node in self.visited())

    def _takes(self, source: str, handle: str) -> bool:
        data = self.nodes[source]
        if data.get("error_strategy") == "fail-branch":
            return handle == ("fail-branch" if self._fails_for_good(source) else "source")
        return handle == data["choose"] if data["type"] == "fork" else True

    def _failed_attempts(self, node: str) -> int:
        data = self.nodes[node]
        if data.get("forgives"):
            return 0
        attempts = 1 + _retries(data)
        if data["type"] == "broken":
            return attempts
        return min(self.failures.get(node, 0), attempts) if data["type"] in _WORKING else 0

    def _fails_for_good(self, node: str) -> bool:
        return self._failed_attempts(node) > _retries(self.nodes[node])


def _retries(data: Mapping[str, Any]) -> int:
    return int(data["retry_config"]["max_retries"]) if "retry_config" in data else 0


def random_graph(random: Random, *, fatal: bool, speech: bool = False) -> RandomGraph:
    """`fatal` allows failures that nothing handles, which end a run at once. `speech` makes most
    nodes models whose text is shown as they speak."""
    nodes: dict[str, dict[str, Any]] = {"n0": {"type": "begin"}}
    edges: list[tuple[str, str, str]] = []
    failures: dict[str, int] = {}
    if speech:
        nodes["out"] = {"type": "show", "shows": ["[out|", "@n1.text", "|", "@n2.text", "|out]"]}
        edges.append(("n0", "source", "out"))
    for place in range(1, random.randint(3, 6 if speech else 12)):
        name = f"n{place}"
        if random.random() < 0.3 and not (speech and place in {1, 2}):
            nodes[name] = {"type": "show", "shows": _shows(random, name, list(nodes))}
        else:
            kind = random.choice(_SPEECH if speech else _KINDS)
            nodes[name] = _node(random, kind, name, failures, fatal=fatal)
        earlier = random.sample(list(nodes)[:-1], k=min(place, random.randint(1, 3)))
        edges += [(source, random.choice(_handles(nodes[source])), name) for source in earlier]
    return RandomGraph(nodes=nodes, edges=edges, failures=failures)


def _handles(data: Mapping[str, Any]) -> list[str]:
    if data.get("error_strategy") == "fail-branch":
        return ["source", "fail-branch"]
    return ["yes", "no"] if data["type"] == "fork" else ["source"]


def _node(
    random: Random, kind: str, name: str, failures: dict[str, int], *, fatal: bool
) -> dict[str, Any]:
    data: dict[str, Any] = {"type": kind}
    if kind == "fork":
        data["choose"] = random.choice(["yes", "no", "elsewhere"])
    if kind in {"ask", "duet"}:
        data["calls"] = random.choice([1, 1, 2])
        data["late"] = random.random() < 0.5 and (data["calls"] == 2 or kind == "duet")
        data["forgives"] = random.random() < 0.3
        if data["forgives"]:
            failures[name] = random.randint(0, 1)
            return data
    if kind in {"ask", "chorus", "compute", "duet", "broken"}:
        _strategy(random, data, fatal=fatal and random.random() < 0.3)
        if kind != "broken":
            failures[name] = random.choice([0, 0, 1, 2, 9])
    return data


def _strategy(random: Random, data: dict[str, Any], *, fatal: bool) -> None:
    if random.random() < 0.5:
        data["retry_config"] = {
            "retry_enabled": True,
            "max_retries": random.randint(1, 2),
            "retry_interval": 500,
        }
    if not fatal:
        data["error_strategy"] = random.choice(["fail-branch", "default-value"])
        if data["error_strategy"] == "default-value":
            data["default_value"] = [{"key": "text", "type": "string", "value": "{default}"}]


def _shows(random: Random, name: str, earlier: list[str]) -> list[str]:
    parts = [f"[{name}|"]
    for _ in range(random.randint(0, 3)):
        parts += [f"@{random.choice(earlier)}.text", "|"]
    return [*parts, "@sys.query", f"|{name}]"]
