"""The cost of a run grows with its nodes and not faster: calls are counted, not timed."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from libs.common.contracts.workflows import WorkflowDefinition
from services.engine.domain.execution.compile_workflow import compile_workflow
from services.engine.domain.execution.run_machine import RunMachine
from services.engine.domain.nodes.catalogue import CATALOGUE
from tests.unit.engine.execution.container_graphs import contained, iteration
from tests.unit.engine.execution.machine_nodes import workflow
from tests.unit.engine.execution.simulated_world import RUN, TENANT, World, begun


def _calls(work: Callable[[], object]) -> int:
    """Functions of the engine that `work` calls, all the way down."""
    counted = 0

    def count(frame: FrameType, event: str, _arg: object) -> None:
        nonlocal counted
        counted += event == "call" and "services/engine" in frame.f_code.co_filename

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return counted


def _chain(length: int) -> int:
    nodes = {f"n{n}": {"type": "pass" if n else "begin"} for n in range(length)}
    compiled = workflow(nodes, [f"n{n} > n{n + 1}" for n in range(length - 1)])
    return _calls(lambda: World(compiled).begin(max_steps=length))


def _fan_of_models(width: int) -> int:
    names = [f"m{n}" for n in range(width)]
    nodes = {
        "s": {"type": "begin"},
        **{name: {"type": "ask"} for name in names},
        "a": {"type": "show", "shows": [f"@{name}.text" for name in names]},
    }
    edges = [edge for name in names for edge in (f"s > {name}", f"{name} > a")]
    world = World(workflow(nodes, edges))

    def run() -> None:
        world.begin(max_steps=width + 2)
        for key in world.speakers():
            world.speak(key, 9)

    return _calls(run)


def _replay(length: int) -> int:
    nodes = {f"n{n}": {"type": "pass" if n else "begin"} for n in range(length)}
    compiled = workflow(nodes, [f"n{n} > n{n + 1}" for n in range(length - 1)])
    machine = RunMachine(compiled, tenant_id=TENANT, run_id=RUN)
    events = machine.begin(begun(max_steps=length)).events
    other = RunMachine(compiled, tenant_id=TENANT, run_id=RUN)
    return _calls(lambda: [other.fold(event) for event in events])


def _items(count: int) -> int:
    nodes = {
        "s": {"type": "begin"},
        "g": {"type": "give", "list": [*range(count)]},
        "it": iteration("x.answer", is_parallel=True),
        "x": {"type": "show", "shows": ["@it.item"]},
    }
    compiled = contained(nodes, ["s > g", "g > it", "itstart > x"])
    return _calls(lambda: World(compiled).begin(max_steps=count + 3))


@pytest.mark.parametrize("cost", [_chain, _fan_of_models, _replay, _items])
def test_twice_the_nodes_cost_twice_the_calls(cost: Callable[[int], int]) -> None:
    small, large = cost(50), cost(100)
    assert large <= 2.1 * small


def _compiled(length: int) -> int:
    nodes: list[Any] = [{"id": "n0", "data": {"type": "start", "variables": []}}]
    nodes += [
        {"id": f"n{n}", "data": {"type": "answer", "answer": f"{{{{#n{n - 1}.answer#}}}}"}}
        for n in range(1, length)
    ]
    edges: list[Any] = [{"source": f"n{n}", "target": f"n{n + 1}"} for n in range(length - 1)]
    definition = WorkflowDefinition(mode="advanced-chat", graph={"nodes": nodes, "edges": edges})
    return _calls(lambda: compile_workflow(definition, CATALOGUE))


def test_compiling_costs_the_same_for_each_node_of_any_graph() -> None:
    assert _compiled(1600) < 4.2 * _compiled(400)
