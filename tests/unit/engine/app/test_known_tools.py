"""What validation says of the tools that a workflow calls."""

from pydantic import JsonValue

from libs.common.clock import SystemClock
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.subjects import TOOLS
from libs.common.contracts.tool_call import ToolEntry, ToolList, ToolQuery
from libs.common.contracts.workflows import Finding, WorkflowDefinition
from libs.common.messaging.in_memory_bus import InMemoryBus
from services.engine.app.workflows.known_tools import KnownTools
from services.engine.domain.execution.compile_workflow import CompiledWorkflow, compile_workflow
from services.engine.domain.nodes.catalogue import CATALOGUE


def _calling(*tools: tuple[str, str]) -> CompiledWorkflow:
    nodes: list[JsonValue] = [{"id": "s", "data": {"type": "start"}}]
    for provider, name in tools:
        data: JsonValue = {
            "type": "tool",
            "title": name,
            "provider_type": "builtin",
            "provider_id": provider,
            "tool_name": name,
        }
        nodes.append({"id": name, "data": data})
    edges: list[JsonValue] = [{"source": "s", "target": name} for _, name in tools]
    definition = WorkflowDefinition(mode="workflow", graph={"nodes": nodes, "edges": edges})
    return compile_workflow(definition, CATALOGUE)


class _Listing:
    def __init__(self) -> None:
        self.asked = 0

    async def answer(self, _query: ToolQuery, _envelope: Envelope) -> ToolList:
        self.asked += 1
        entry = ToolEntry(
            id="basics/current_time",
            title="t",
            description="d",
            effect_class="idempotent",
            also_known_as=("time/current_time",),
            input_schema={},
            output_schema={},
        )
        return ToolList(tools=(entry,))


async def test_a_tool_that_does_not_exist_is_named_with_the_nearest(bus: InMemoryBus) -> None:
    listing = _Listing()
    await bus.serve(TOOLS, listing.answer)
    known = KnownTools(bus, clock=SystemClock())
    workflow = _calling(("basics", "current_time"), ("time", "current_times"))
    report = await known.check(workflow)
    assert report.errors == (
        Finding(
            code="unknown_tool",
            message="there is no tool `time/current_times`; the nearest are time/current_time, "
            "basics/current_time",
            node_id="current_times",
            node_title="current_times",
            field="tool_name",
        ),
    )
    other_name = await known.check(_calling(("langgenius/time/time", "current_time")))
    assert other_name.errors == ()
    assert listing.asked == 1


async def test_nobody_is_asked_for_a_graph_without_tools(bus: InMemoryBus) -> None:
    listing = _Listing()
    await bus.serve(TOOLS, listing.answer)
    assert not (await KnownTools(bus, clock=SystemClock()).check(_calling())).errors
    assert listing.asked == 0


async def test_nothing_is_said_while_the_plugin_service_is_away(bus: InMemoryBus) -> None:
    report = await KnownTools(bus, clock=SystemClock()).check(_calling(("a", "b")))
    assert report.errors == ()
