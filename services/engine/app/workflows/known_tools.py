"""Whether the tools that a workflow calls exist."""

import difflib
import logging
from collections.abc import Collection, Mapping

from libs.common.clock import Clock
from libs.common.contracts.envelope import EffectClass, Envelope
from libs.common.contracts.subjects import TOOLS
from libs.common.contracts.tool_call import ToolQuery
from libs.common.contracts.workflows import Finding, ValidationReport
from libs.common.errors import HeddleError
from libs.common.messaging.bus import MessageBus
from services.engine.domain.execution.compile_workflow import CompiledNode, CompiledWorkflow
from services.engine.domain.node_parts.called_tool import CallsTool

_log = logging.getLogger(__name__)
_SECONDS = 5.0
_KEPT_SECONDS = 10.0


class KnownTools:
    """Asks the plugin service, and keeps its list for ten seconds."""

    def __init__(self, bus: MessageBus, *, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._classes: dict[str, EffectClass] | None = None
        self._until = 0.0

    async def check(self, workflow: CompiledWorkflow) -> ValidationReport:
        """The workflow's report, with an error for every call of a tool that does not exist.

        While the plugin service is away nothing is said about tools: a run would tell.
        """
        callers = [node for node in workflow.nodes if _tool_of(node)]
        known = await self.effect_classes() if callers else None
        if known is None:
            return workflow.report
        unknown = [_unknown(node, known) for node in callers if _tool_of(node) not in known]
        errors = (*workflow.report.errors, *unknown)
        return workflow.report.model_copy(update={"errors": errors})

    async def effect_classes(self) -> Mapping[str, EffectClass] | None:
        """What each tool may do, by all its names; None while the plugin service is away."""
        now = self._clock.monotonic()
        if self._classes is not None and now < self._until:
            return self._classes
        try:
            listed = await self._bus.request(
                TOOLS, ToolQuery(), envelope=Envelope(), timeout=_SECONDS
            )
        except HeddleError as error:
            _log.warning("tools are not checked: %s", error.message)
            return None
        self._classes = {
            name: tool.effect_class
            for tool in listed.tools
            for name in (tool.id, *tool.also_known_as)
        }
        self._until = now + _KEPT_SECONDS
        return self._classes


def _tool_of(node: CompiledNode) -> str:
    return node.node.tool if isinstance(node.node, CallsTool) else ""


def _unknown(node: CompiledNode, known: Collection[str]) -> Finding:
    tool = _tool_of(node)
    near = difflib.get_close_matches(tool, sorted(known), n=3, cutoff=0.4)
    hint = f"; the nearest are {', '.join(near)}" if near else ""
    return Finding(
        code="unknown_tool",
        message=f"there is no tool `{tool}`{hint}",
        node_id=node.place.id,
        node_title=node.place.title,
        field="tool_name",
    )
