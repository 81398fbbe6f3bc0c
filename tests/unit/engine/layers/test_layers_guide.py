"""docs/guides/layers.md does what it says: its layers run as they stand."""

from typing import Any

from libs.common.clock import SystemClock
from libs.common.messaging.in_memory_bus import InMemoryBus
from services.engine.domain.layers.layer_stack import Guards, LayerStack
from tests.architecture.source_tree import ROOT
from tests.e2e.readme_blocks import blocks_of
from tests.support.engine_harness import in_memory_cluster
from tests.support.engine_nodes import chain
from tests.unit.engine.execution.machine_nodes import workflow
from tests.unit.engine.execution.simulated_world import World, ended

GUIDE = ROOT / "docs/guides/layers.md"
FAILS = {"type": "broken", "error_strategy": "fail-branch"}


def _defined() -> dict[str, Any]:
    found: dict[str, Any] = {"__name__": "guide"}
    for block in blocks_of(GUIDE):
        if block.language == "python":
            exec(block.text, found)
    return found


def test_its_guard_ends_a_run_of_which_too_much_fails() -> None:
    compiled = workflow(
        {"begin": {"type": "begin"}, "a": FAILS, "b": FAILS, "c": {"type": "pass"}},
        ("begin > a", "a:fail-branch > b", "b:fail-branch > c"),
    )
    ends: list[str | None] = []
    for most in (1, 2):
        world = World(compiled, guards=Guards((_defined()["FailureLimit"](most),)))
        world.begin()
        ends.append(ended(world).error)
    assert ends == ["2 failures before node 'c': too many", None]


async def test_its_observer_tells_slow_nodes() -> None:
    bus, told = InMemoryBus(clock=SystemClock()), list[tuple[str, str, float]]()

    def tell(*slow: Any) -> None:
        told.append(slow)

    failures: list[str] = []
    async with in_memory_cluster(bus) as cluster:
        cluster.layers = LayerStack(
            (),
            (_defined()["SlowNodes"](0.02, tell),),
            lambda layer, _run, _error: failures.append(layer),
        )
        await cluster.replica()
        asked = await cluster.asked(chain({"type": "pass"}, {"type": "nap", "seconds": 0.03}))
        await cluster.replicas[0].engine.use_cases.accept.execute(asked)
        await cluster.ended(asked.run_id)
    await bus.close()
    ((run, node_id, seconds),) = told
    assert (run, node_id, failures) == (str(asked.run_id), "n2", [])
    assert seconds >= 0.03
