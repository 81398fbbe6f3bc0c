"""Filters over lists: texts, numbers, booleans and files are judged by operators of their own.

Which combinations are refused, and in which words, is what imported workflows rely on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from services.engine.domain.node_parts.node_contract import VariableReader
from services.engine.domain.node_parts.settings_reader import WRONG_TYPE, SettingsReader
from services.engine.domain.variables.files import file_size, file_text, is_file
from services.engine.domain.variables.template_text import TemplateText, parse_template_text
from services.engine.domain.variables.types import ValueType
from services.engine.domain.variables.values import Value

Test = Callable[[Value], bool]
_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda item, value: value in item,
    "not contains": lambda item, value: value not in item,
    "start with": lambda item, value: item.startswith(value),
    "end with": lambda item, value: item.endswith(value),
    "is": lambda item, value: item == value,
    "is not": lambda item, value: item != value,
    "in": lambda item, value: item in value,
    "not in": lambda item, value: item not in value,
    "empty": lambda item, _: not item,
    "not empty": lambda item, _: bool(item),
}
_NUMBER_TESTS: dict[str, Callable[[float, float], bool]] = {
    "=": lambda item, value: item == value,
    "≠": lambda item, value: item != value,
    "<": lambda item, value: item < value,
    "≤": lambda item, value: item <= value,
    ">": lambda item, value: item > value,
    "≥": lambda item, value: item >= value,
}
_FREE_TEXT_KEYS = frozenset({"name", "extension", "mime_type", "url", "related_id"})
_CHOICE_KEYS = frozenset({"type", "transfer_method"})


class ListOperationRefused(ValueError):
    """The operation does not apply to this list."""

    def __init__(self, message: str, error_type: str = "WorkflowNodeError") -> None:
        super().__init__(message)
        self.error_type = error_type


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFilter:
    """`key` names an attribute of files. `value` is text with references, choices, or a boolean."""

    key: str
    operator: str
    value: TemplateText | tuple[str, ...] | bool

    def keep(self, items: list[Value], kind: ValueType, variables: VariableReader) -> list[Value]:
        """The items that pass. `kind` is the list's type.

        Raises ListOperationRefused, and ValueError for text that should be a number.
        """
        test = self._test(kind, variables)
        return [item for item in items if test(item)]

    def _test(self, kind: ValueType, variables: VariableReader) -> Test:
        value = self.value
        written = value.render(variables) if isinstance(value, TemplateText) else value
        match kind:
            case ValueType.ARRAY_FILE:
                return self._file_test(written)
            case ValueType.ARRAY_BOOLEAN:
                return self._boolean_test(written)
            case _ if not isinstance(written, str):
                shown = written if isinstance(written, bool) else [*written]
                raise ListOperationRefused(
                    f"Invalid filter value: {shown}", "InvalidFilterValueError"
                )
            case ValueType.ARRAY_NUMBER:
                return self._number_test(written)
            case _:
                return self._text_test(written)

    def _text_test(self, value: str) -> Test:
        compare = _TEXT_TESTS.get(self.operator) or self._refuse_operator()
        return lambda item: isinstance(item, str) and compare(item, value)

    def _number_test(self, value: str) -> Test:
        limit = float(value)
        compare = _NUMBER_TESTS.get(self.operator) or self._refuse_operator()
        return lambda item: isinstance(item, int | float) and compare(item, limit)

    def _boolean_test(self, value: str | tuple[str, ...] | bool) -> Test:
        if not isinstance(value, bool):
            kind = list if isinstance(value, tuple) else str
            raise ListOperationRefused(f"Boolean filter expects a boolean value, got {kind}")
        if self.operator not in ("is", "is not"):
            self._refuse_operator()
        wanted = value == (self.operator == "is")
        return lambda item: item is wanted

    def _file_test(self, value: str | tuple[str, ...] | bool) -> Test:
        """The operator and the value are judged at the first file, the key at once."""
        if isinstance(value, bool):
            raise ListOperationRefused(f"File filter expects a string value, got {bool}")
        key = self.key
        if key in _CHOICE_KEYS:
            return lambda item: is_file(item) and self._chosen(file_text(item, key), value)
        if isinstance(value, str) and key in _FREE_TEXT_KEYS:
            return lambda item: is_file(item) and self._text_test(value)(file_text(item, key))
        if isinstance(value, str) and key == "size":
            return lambda item: is_file(item) and self._number_test(value)(file_size(item))
        raise ListOperationRefused(f"Invalid key: {key}", "InvalidKeyError")

    def _chosen(self, item: str, value: str | tuple[str, ...]) -> bool:
        if self.operator not in ("in", "not in"):
            self._refuse_operator()
        return (item in value) == (self.operator == "in")

    def _refuse_operator(self) -> NoReturn:
        raise ListOperationRefused(f"Invalid condition: {self.operator}", "InvalidConditionError")


def parse_list_filters(settings: SettingsReader) -> tuple[ListFilter, ...]:
    """From `filter_by`; none where it is not enabled. What is wrong is reported to `settings`."""
    if not settings.flag("enabled"):
        return ()
    return tuple(_parse_filter(item) for item in settings.items("conditions"))


def _parse_filter(settings: SettingsReader) -> ListFilter:
    operator = settings.text("comparison_operator", "contains")
    if operator not in _TEXT_TESTS and operator not in _NUMBER_TESTS:
        settings.report("unknown_operator", f"unknown operator {operator}", "comparison_operator")
    return ListFilter(key=settings.text("key"), operator=operator, value=_parse_value(settings))


def _parse_value(settings: SettingsReader) -> TemplateText | tuple[str, ...] | bool:
    raw = settings.raw("value")
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, list):
        texts = tuple(item for item in raw if isinstance(item, str))
        if len(texts) != len(raw):
            settings.report(WRONG_TYPE, "must be a list of texts", "value")
        return texts
    return parse_template_text(settings.text("value"))
