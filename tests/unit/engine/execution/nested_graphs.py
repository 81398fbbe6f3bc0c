"""Random graphs with everything at once: branches, joins and error strategies, in the run's own
frame and in those of containers, which lie in each other."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from services.engine.domain.execution.compile_workflow import CompiledWorkflow
from tests.unit.engine.execution.container_graphs import contained, iteration, loop

_KINDS = ("pass", "fork", "ask", "chorus", "compute", "nap", "show", "iteration", "loop")
_WORKING = frozenset({"ask", "chorus", "compute", "iteration", "loop"})
_DEEPEST = 2


@dataclass(slots=True)
class NestedGraph:
    """`failing` is the chance that an attempt at a place fails. Nothing in the run's own frame
    fails without a strategy, unless `fatal`."""

    salt: int
    failing: float
    fatal: bool
    mode: str
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    edges: list[str] = field(default_factory=list[str])

    def compiled(self, **settings: Any) -> CompiledWorkflow:
        """With `settings` in every iteration."""
        nodes = {
            name: data | settings if data["type"] == "iteration" else data
            for name, data in self.nodes.items()
        }
        return contained(nodes, self.edges)

    def fails(self, node: str, attempt: int, call: int) -> bool:
        """The same for the same place and attempt, whenever it is asked."""
        return call == 0 and Random(f"{self.salt}{node}#{attempt}").random() < self.failing

    def settled(self) -> list[str]:
        """Nodes of the run's own frame whose outputs hang only on what stands before them."""
        return [
            name
            for name, data in self.nodes.items()
            if "x" not in name and data["type"] not in {"show", "begin"}
        ]


def nested_graph(
    random: Random, *, failing: float, fatal: bool = False, mode: str = ""
) -> NestedGraph:
    """Without `mode` every iteration has one of its own."""
    made = NestedGraph(random.randrange(10**9), failing, fatal, mode)
    made.nodes["n"] = {"type": "begin"}
    made.nodes["g"] = {"type": "give", "list": ["a", "b", "c"][: random.randint(0, 3)]}
    made.edges.append("n > g")
    _frame(random, made, "g", "c", depth=0)
    return made


def _frame(random: Random, made: NestedGraph, root: str, prefix: str, *, depth: int) -> None:
    inside = [root]
    for place in range(random.randint(2, 6) if depth == 0 else random.randint(1, 3)):
        name = f"{prefix}{place}"
        kind = random.choice(_KINDS)
        if depth == 0 and place == 0:
            kind = "iteration"
        if kind in {"iteration", "loop"} and depth >= _DEEPEST:
            kind = "compute"
        made.nodes[name] = _node(random, made, kind, name, inside, depth=depth)
        sources = random.sample(inside, k=min(len(inside), random.randint(1, 2)))
        made.edges += [f"{_from(random, made, source)} > {name}" for source in sources]
        inside.append(name)
        if kind in {"iteration", "loop"}:
            _frame(random, made, f"{name}start", f"{name}x", depth=depth + 1)


def _from(random: Random, made: NestedGraph, source: str) -> str:
    data = made.nodes.get(source, {})
    if data.get("error_strategy") == "fail-branch":
        return f"{source}:{random.choice(['source', 'fail-branch'])}"
    return f"{source}:{random.choice(['yes', 'no'])}" if data.get("type") == "fork" else source


def _node(
    random: Random, made: NestedGraph, kind: str, name: str, inside: list[str], *, depth: int
) -> dict[str, Any]:
    data: dict[str, Any] = {"type": kind}
    match kind:
        case "fork":
            data["choose"] = random.choice(["yes", "no"])
        case "show":
            data["shows"] = [f"<{name} ", f"@{random.choice(inside)}.text", ">"]
        case "loop":
            data = loop(random.randint(1, 2), {"i": 0})
        case "iteration":
            modes = ["terminated", "continue-on-error", "remove-abnormal-output"]
            data = iteration(
                f"{name}x0.text",
                is_parallel=random.random() < 0.7,
                parallel_nums=random.randint(1, 3),
                error_handle_mode=made.mode or random.choice(modes),
            )
        case _:
            pass
    if kind in _WORKING:
        _strategy(random, data, must=depth == 0 and not made.fatal)
    return data


def _strategy(random: Random, data: dict[str, Any], *, must: bool) -> None:
    if random.random() < 0.4:
        data["retry_config"] = {"retry_enabled": True, "max_retries": 1, "retry_interval": 500}
    if must or random.random() < 0.4:
        data["error_strategy"] = random.choice(["fail-branch", "default-value"])
    if data.get("error_strategy") == "default-value":
        data["default_value"] = [{"key": "text", "type": "string", "value": "{default}"}]
