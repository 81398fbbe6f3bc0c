"""trigger-schedule: a run that begins at an instant its author has named."""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeResult,
    OutputTypes,
    Problem,
)
from services.engine.domain.node_parts.pure_node import PureNode
from services.engine.domain.node_parts.run_outputs import run_outputs
from services.engine.domain.node_parts.schedules import ScheduleWrong, check_cron, cron_of
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.selectors import SYSTEM
from services.engine.domain.variables.types import ValueType
from services.engine.domain.variables.values import Selector, Value

_INSTANT = f"{SYSTEM}.timestamp"


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerScheduleNode(PureNode):
    """`cron` is when it is due, in `timezone`; None where the configuration does not say."""

    cron: str | None
    timezone: str
    references: tuple[Selector, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def output_types(self) -> OutputTypes:
        return {_INSTANT: ValueType.INTEGER}

    def doubts(self, name: str) -> str | None:
        if name.startswith(f"{SYSTEM}."):
            return None
        return "an output that a schedule has only when a caller sends it as an input"

    def evaluate(self, context: NodeContext) -> NodeResult:
        """`sys.timestamp` is the instant it began at; inputs of a caller keep their names."""
        given = {**context.inputs, **run_outputs(context, (SYSTEM,))}
        return NodeResult(outputs=given, inputs={**given})


def parse_trigger_schedule(node_id: str, data: Mapping[str, Value]) -> TriggerScheduleNode:
    settings = SettingsReader(data)
    cron = _cron(settings)
    timezone = settings.text("timezone", "UTC") or "UTC"
    if not _is_timezone(timezone):
        settings.report("unknown_timezone", f"no time zone is called {timezone!r}", "timezone")
    return TriggerScheduleNode(cron=cron, timezone=timezone, problems=settings.problems)


def _cron(settings: SettingsReader) -> str | None:
    mode = settings.text("mode", "visual") or "visual"
    try:
        if mode == "cron":
            expression = settings.text("cron_expression", required=True)
            if expression:
                check_cron(expression)
                return expression
        elif mode == "visual":
            frequency = settings.text("frequency", required=True)
            return cron_of(frequency, settings.mapping("visual_config")) if frequency else None
        else:
            settings.report("unknown_mode", "must be visual or cron", "mode")
    except ScheduleWrong as wrong:
        settings.report("schedule_wrong", str(wrong), wrong.field)
    return None


def _is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True
