"""human-input: a form for people; the button they choose names the branch."""

from collections.abc import Mapping
from dataclasses import dataclass

from libs.common.contracts.form_deliveries import FormDelivery
from libs.common.contracts.forms import (
    TIMED_OUT,
    FieldType,
    FormAction,
    FormField,
    HumanAnswer,
    HumanForm,
)
from libs.common.contracts.run_forks import NodeEffect
from services.engine.domain.node_parts.effects import AskHuman
from services.engine.domain.node_parts.expected_result import expect
from services.engine.domain.node_parts.form_content import filled_content
from services.engine.domain.node_parts.form_deliveries import DeliveryPlan, parse_deliveries
from services.engine.domain.node_parts.form_fields import FieldPlan, parse_fields
from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeResult,
    NodeRun,
    OutputTypes,
    Problem,
)
from services.engine.domain.node_parts.settings_reader import MISSING_FIELD, SettingsReader
from services.engine.domain.variables.template_text import TemplateText, parse_template_text
from services.engine.domain.variables.types import ValueType
from services.engine.domain.variables.values import Selector, Value

LONGEST_SECONDS = 7 * 24 * 3600.0
"""A form that waits longer ends its run."""

_HOURS = 36.0
_UNITS = {"hour": 3600.0, "day": 24 * 3600.0}
_TYPES: Mapping[FieldType, ValueType] = {
    "paragraph": ValueType.STRING,
    "select": ValueType.STRING,
    "file": ValueType.FILE,
    "file-list": ValueType.ARRAY_FILE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanInputNode:
    """`seconds` until the branch `__timeout` is taken; above `LONGEST_SECONDS` the run is stopped
    at that limit."""

    title: str
    content: TemplateText
    fields: tuple[FieldPlan, ...]
    actions: tuple[FormAction, ...]
    seconds: float
    deliveries: tuple[DeliveryPlan, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def references(self) -> tuple[Selector, ...]:
        return (
            *self.content.references,
            *(part for each in self.fields for part in each.reads),
            *(part for each in self.deliveries for part in each.references),
        )

    @property
    def output_types(self) -> OutputTypes:
        return {each.name: _TYPES[each.type] for each in self.fields} | {
            "__action_id": ValueType.STRING,
            "__action_value": ValueType.STRING,
            "__rendered_content": ValueType.STRING,
        }

    @property
    def effect_class(self) -> NodeEffect:
        return "human"

    def run(self, context: NodeContext) -> NodeRun:
        form = HumanForm(
            title=self.title,
            content=self.content.render(context.variables),
            fields=tuple(each.resolved(context.variables) for each in self.fields),
            actions=self.actions,
        )
        told = tuple(
            delivery for each in self.deliveries for delivery in each.rendered(context.variables)
        )
        answer = expect(HumanAnswer, (yield self._ask(form, told)))
        inputs: dict[str, Value] = {"form_content": form.content}
        if answer.action == TIMED_OUT:
            given = _defaults(form.fields)
            rendered = filled_content(form.content, given)
            return NodeResult(
                outputs={
                    **given,
                    "__action_id": "",
                    "__action_value": "",
                    "__rendered_content": rendered,
                },
                handle=TIMED_OUT,
                inputs=inputs,
            )
        chosen = {action.id: action.title for action in self.actions}
        return NodeResult(
            outputs={
                **answer.inputs,
                "__action_id": answer.action,
                "__action_value": chosen.get(answer.action, ""),
                "__rendered_content": filled_content(form.content, answer.inputs),
            },
            handle=answer.action,
            inputs=inputs,
            process_data={} if answer.actor is None else {"actor": answer.actor},
        )

    def _ask(self, form: HumanForm, told: tuple[FormDelivery, ...]) -> AskHuman:
        if self.seconds <= LONGEST_SECONDS:
            return AskHuman(form=form, seconds=self.seconds, deliveries=told)
        days = round(LONGEST_SECONDS / _UNITS["day"])
        return AskHuman(
            form=form,
            seconds=LONGEST_SECONDS,
            gives_up=f"Nobody answered the form {form.title!r} within {days} days.",
            deliveries=told,
        )


def parse_human_input(node_id: str, data: Mapping[str, Value]) -> HumanInputNode:
    """`delivery_methods` name who is told of the form; everybody else finds it by its id."""
    settings = SettingsReader(data)
    actions = tuple(
        FormAction(
            id=item.text("id", required=True),
            title=item.text("title") or item.text("id"),
            style=item.text("button_style", "default") or "default",
        )
        for item in settings.items("user_actions")
    )
    if not actions:
        settings.report(MISSING_FIELD, "must hold an action", "user_actions")
    if len({action.id for action in actions}) < len(actions):
        settings.report("duplicate_action", "must hold each id once", "user_actions")
    return HumanInputNode(
        title=settings.text("title") or node_id,
        content=parse_template_text(settings.text("form_content")),
        fields=parse_fields(settings),
        actions=actions,
        seconds=_seconds(settings),
        deliveries=parse_deliveries(settings),
        problems=settings.problems,
    )


def _seconds(settings: SettingsReader) -> float:
    unit = settings.text("timeout_unit", "hour")
    if unit not in _UNITS:
        settings.report("unknown_unit", "must be hour or day", "timeout_unit")
    amount = settings.number("timeout")
    if amount is not None and amount <= 0:
        settings.report("not_positive", "must be above 0", "timeout")
    return max(_HOURS if amount is None else amount, 0.0) * _UNITS.get(unit, _UNITS["hour"])


def _defaults(fields: tuple[FormField, ...]) -> dict[str, Value]:
    return {field.name: field.default for field in fields if field.default is not None}
