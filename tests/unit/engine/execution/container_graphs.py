"""Small containers for tests of the machine, by hand and at random."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from services.engine.domain.execution.compile_workflow import CompiledWorkflow
from tests.unit.engine.execution.machine_nodes import workflow

Nodes = dict[str, dict[str, Any]]


def iteration(output: str, *, items: str = "g.list", start: str = "", **settings: Any) -> Any:
    """An iteration's data; `start` "" is `<name>start`, set by `with_starts`."""
    return {
        "type": "iteration",
        "iterator_selector": items.split("."),
        "output_selector": output.split("."),
        "start_node_id": start,
        **settings,
    }


def loop(count: int, variables: dict[str, Any] | None = None, **settings: Any) -> Any:
    return {
        "type": "loop",
        "loop_count": count,
        "loop_variables": [
            {"label": name, "var_type": "any", "value_type": "constant", "value": value}
            for name, value in (variables or {}).items()
        ],
        **settings,
    }


def assigner(*items: tuple[str, str, Any]) -> dict[str, Any]:
    """(target, operation, value) triples; a value with a leading "@" is a variable's."""
    return {
        "type": "assigner",
        "version": "2",
        "items": [
            {
                "variable_selector": target.split("."),
                "operation": operation,
                **_input(operation, value),
            }
            for target, operation, value in items
        ],
    }


def _input(operation: str, value: Any) -> dict[str, Any]:
    if isinstance(value, str) and value.startswith("@"):
        return {"input_type": "variable", "value": value[1:].split(".")}
    takes_none = operation in {"clear", "remove-first", "remove-last"}
    return {"input_type": "variable" if takes_none else "constant", "value": value}


def breaks(*conditions: tuple[str, str, str]) -> dict[str, Any]:
    """(selector, operator, value) triples, all of which must hold."""
    return {
        "break_conditions": [
            {"variable_selector": s.split("."), "comparison_operator": o, "value": v}
            for s, o, v in conditions
        ]
    }


def with_starts(nodes: Nodes) -> Nodes:
    """The nodes, with a start marker `<container>start` for each container that names no start."""
    made: Nodes = {}
    for name, data in nodes.items():
        made[name] = data
        if data["type"] in {"iteration", "loop"} and not data.get("start_node_id"):
            made[name] = data | {"start_node_id": f"{name}start"}
            made[f"{name}start"] = {"type": f"{data['type']}-start"}
    return made


def contained(nodes: Nodes, edges: Sequence[str]) -> CompiledWorkflow:
    return workflow(with_starts(nodes), edges)


def iterated(body: Nodes, edges: list[str], items: list[Any], **settings: Any) -> CompiledWorkflow:
    """s > g > it > end, and inside `it` whatever `body` and `edges` say."""
    nodes: Nodes = {
        "s": {"type": "begin"},
        "g": {"type": "give", "list": items},
        "it": iteration("x.text", **settings),
        "end": {"type": "show", "shows": ["@it.output"]},
        **body,
    }
    return contained(nodes, ["s > g", "g > it", "it > end", *edges])


@dataclass(slots=True)
class RandomContainers:
    """One chain of nodes in which containers lie, in each a chain again. `bad` are the places, as
    the simulated world names them, whose calls fail."""

    nodes: Nodes
    edges: list[str]
    salt: int
    failing: float
    bad: set[str] = field(default_factory=set[str])

    def compiled(self, **settings: Any) -> CompiledWorkflow:
        """With `settings` in every iteration."""
        nodes = {
            name: data | settings if data["type"] == "iteration" else data
            for name, data in self.nodes.items()
        }
        return contained(nodes, self.edges)

    def fails(self, node: str, _attempt: int, _call: int) -> bool:
        """The same for the same place, whenever it is asked."""
        return Random(f"{self.salt}{node}").random() < self.failing and "@" in node


def random_containers(random: Random, *, failing: float, mode: str = "") -> RandomContainers:
    """`failing` is the chance that a call inside a container fails; without `mode` every iteration
    has one of its own."""
    made = RandomContainers({}, [], random.randrange(10**9), failing)
    made.nodes["n"] = {"type": "begin"}
    made.nodes["g"] = {"type": "give", "list": ["a", "b", "c", "d"][: random.randint(1, 4)]}
    made.edges.append("n > g")
    last = _chain(random, made, "g", "c", depth=0, mode=mode)
    made.nodes["end"] = {"type": "show", "shows": ["[end]", "@c0.output", "@c0.text"]}
    made.edges.append(f"{last} > end")
    return made


def _chain(
    random: Random, made: RandomContainers, last: str, name: str, *, depth: int, mode: str
) -> str:
    for place in range(random.randint(1, 3)):
        node = f"{name}{place}"
        kinds = ["ask", "compute", "nap", "show", "pass", "iteration", "loop"]
        kind = "iteration" if depth == 0 and place == 0 else random.choice(kinds)
        if kind in {"iteration", "loop"} and depth > 1:
            kind = "ask"
        made.nodes[node] = _node(random, kind, node, mode)
        made.edges.append(f"{last} > {node}")
        if kind in {"iteration", "loop"}:
            _chain(random, made, f"{node}start", f"{node}x", depth=depth + 1, mode=mode)
        last = node
    return last


def _node(random: Random, kind: str, name: str, mode: str) -> dict[str, Any]:
    if kind == "show":
        return {"type": "show", "shows": [f"<{name} ", "@g.list", f"@{name[:-1]}0.text", ">"]}
    if kind == "loop":
        return loop(random.randint(1, 3), {"i": 0})
    if kind == "iteration":
        modes = ["terminated", "continue-on-error", "remove-abnormal-output"]
        return iteration(
            f"{name}x0.text",
            is_parallel=random.random() < 0.7,
            parallel_nums=random.randint(1, 4),
            error_handle_mode=mode or random.choice(modes),
        )
    return {"type": kind}
