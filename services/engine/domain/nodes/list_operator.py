"""list-operator: filters a list, takes one item out of it, orders it, cuts it; in this order."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.engine.domain.node_parts.list_filters import (
    ListFilter,
    ListOperationRefused,
    parse_list_filters,
)
from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeFailure,
    NodeResult,
    OutputTypes,
    Problem,
    VariableReader,
)
from services.engine.domain.node_parts.pure_node import PureNode
from services.engine.domain.node_parts.settings_reader import WRONG_TYPE, SettingsReader
from services.engine.domain.variables.files import (
    TEXT_ATTRIBUTES,
    file_size,
    file_text,
    is_file,
)
from services.engine.domain.variables.template_text import TemplateText, parse_template_text
from services.engine.domain.variables.types import ValueType, infer_type
from services.engine.domain.variables.values import MISSING, Missing, Selector, Value

_SUPPORTED = frozenset(
    {
        ValueType.ARRAY_STRING,
        ValueType.ARRAY_NUMBER,
        ValueType.ARRAY_BOOLEAN,
        ValueType.ARRAY_FILE,
    }
)
_UNLIMITED = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`key` names the attribute by which files are ordered."""

    key: str
    descending: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOperatorNode(PureNode):
    """`serial` counts from 1. What is None is not done."""

    variable: Selector | None
    filters: tuple[ListFilter, ...]
    serial: TemplateText | None
    order: Order | None
    limit: int | None
    problems: tuple[Problem, ...] = ()

    @property
    def references(self) -> tuple[Selector, ...]:
        texts = [each.value for each in self.filters if isinstance(each.value, TemplateText)]
        texts += [] if self.serial is None else [self.serial]
        written = tuple(selector for text in texts for selector in text.references)
        return written if self.variable is None else (self.variable, *written)

    @property
    def output_types(self) -> OutputTypes:
        return {"result": None, "first_record": None, "last_record": None}

    def evaluate(self, context: NodeContext) -> NodeResult:
        variables = context.variables
        selector = self.variable or ()
        value = variables.get(selector) if selector else MISSING
        if isinstance(value, Missing):
            raise NodeFailure(f"Variable not found for selector: {[*selector]}")
        if not value:
            return _result([], [])
        kind = infer_type(value)
        if not isinstance(value, list) or kind not in _SUPPORTED:
            raise NodeFailure(f"Variable {[*selector]} is not an array type, actual type: {kind}")
        try:
            return _result(value, self._operate(value, kind, variables))
        except ListOperationRefused as refused:
            raise NodeFailure(
                str(refused), error_type=refused.error_type, inputs={"variable": value}
            ) from refused
        except (ValueError, OverflowError) as wrong:
            raise NodeFailure(str(wrong), inputs={"variable": value}) from wrong

    def _operate(
        self, items: list[Value], kind: ValueType, variables: VariableReader
    ) -> list[Value]:
        for each in self.filters:
            items = each.keep(items, kind, variables)
        if self.serial is not None:
            items = [_extract(items, int(self.serial.render(variables)))]
        if self.order is not None:
            items = _ordered(items, self.order, of_files=kind is ValueType.ARRAY_FILE)
        return items if self.limit is None else _limited(items, self.limit)


def _result(given: list[Value], items: list[Value]) -> NodeResult:
    return NodeResult(
        outputs={
            "result": items,
            "first_record": items[0] if items else None,
            "last_record": items[-1] if items else None,
        },
        inputs={"variable": given},
        process_data={"variable": given},
    )


def _extract(items: list[Value], serial: int) -> Value:
    if serial < 1:
        raise ListOperationRefused(f"Invalid serial index: must be >= 1, got {serial}")
    if serial > len(items):
        raise ListOperationRefused(
            f"Invalid serial index: must be <= {len(items)}, got {serial}", "InvalidKeyError"
        )
    return items[serial - 1]


def _ordered(items: list[Value], order: Order, *, of_files: bool) -> list[Value]:
    if of_files and order.key not in TEXT_ATTRIBUTES and order.key != "size":
        raise ListOperationRefused(f"Invalid order key: {order.key}", "InvalidKeyError")
    return sorted(items, key=lambda item: _rank(item, order.key), reverse=order.descending)


def _rank(item: Value, key: str) -> str | float:
    if is_file(item):
        return file_size(item) if key == "size" else file_text(item, key)
    return item if isinstance(item, str | int | float) else ""


def _limited(items: list[Value], size: int) -> list[Value]:
    if size < _UNLIMITED:
        raise ListOperationRefused(f"Invalid limit size: {size}")
    return items if size == _UNLIMITED else items[:size]


def parse_list_operator(node_id: str, data: Mapping[str, Value]) -> ListOperatorNode:
    settings = SettingsReader(data)
    return ListOperatorNode(
        variable=settings.selector("variable"),
        filters=parse_list_filters(settings.section("filter_by")),
        serial=_parse_serial(settings.section("extract_by")),
        order=_parse_order(settings.section("order_by")),
        limit=_parse_limit(settings.section("limit")),
        problems=settings.problems,
    )


def _parse_serial(settings: SettingsReader) -> TemplateText | None:
    return parse_template_text(settings.text("serial", "1")) if settings.flag("enabled") else None


def _parse_order(settings: SettingsReader) -> Order | None:
    if not settings.flag("enabled"):
        return None
    direction = settings.text("value", "asc")
    if direction not in ("asc", "desc"):
        settings.report("unknown_order", "must be asc or desc", "value")
    return Order(key=settings.text("key"), descending=direction == "desc")


def _parse_limit(settings: SettingsReader) -> int | None:
    if not settings.flag("enabled"):
        return None
    size = settings.number("size")
    if size is None:
        return _UNLIMITED
    if not float(size).is_integer():
        settings.report(WRONG_TYPE, "must be a whole number", "size")
        return _UNLIMITED
    return int(size)
