"""trigger-plugin: a run that begins with an event that a plugin tells of."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.engine.domain.node_parts.node_contract import NodeContext, NodeResult, Problem
from services.engine.domain.node_parts.pure_node import PureNode
from services.engine.domain.node_parts.run_outputs import run_outputs
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.selectors import SYSTEM
from services.engine.domain.variables.values import Selector, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerPluginNode(PureNode):
    """`info` tells which event of which plugin it is."""

    info: Mapping[str, Value]
    references: tuple[Selector, ...] = ()
    problems: tuple[Problem, ...] = ()

    def evaluate(self, context: NodeContext) -> NodeResult:
        """The event's fields, under the names that its plugin gave them."""
        given = {**context.inputs, **run_outputs(context, (SYSTEM,))}
        return NodeResult(outputs=given, inputs={**given}, metadata={"trigger_info": {**self.info}})


def parse_trigger_plugin(node_id: str, data: Mapping[str, Value]) -> TriggerPluginNode:
    settings = SettingsReader(data)
    event = settings.text("event_name", required=True)
    info: dict[str, Value] = {
        "provider_id": settings.text("provider_id", required=True),
        "event_name": event,
        "plugin_unique_identifier": settings.text("plugin_unique_identifier"),
    }
    settings.warn(
        "trigger_not_fired",
        f"nothing tells of events of plugins yet: runs begin with {event!r} when a caller asks",
        "event_name",
    )
    return TriggerPluginNode(info=info, problems=settings.problems)
