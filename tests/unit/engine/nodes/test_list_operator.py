from typing import cast

import pytest

from services.engine.domain.variables.values import Value
from tests.unit.engine.node_driver import Drive, drive, parse_node


def _operate(items: Value, **operations: Value) -> Drive:
    data: dict[str, Value] = {"type": "list-operator", "variable": ["start", "l"], **operations}
    return drive(parse_node(data), {"start": {"l": items, "part": "an", "second": 2}})


def _filter(operator: str, value: Value, key: str = "") -> dict[str, Value]:
    condition: Value = {"key": key, "comparison_operator": operator, "value": value}
    return {"filter_by": {"enabled": True, "conditions": [condition]}}


def _order(direction: str, key: str = "") -> dict[str, Value]:
    return {"order_by": {"enabled": True, "key": key, "value": direction}}


def _extract(serial: Value) -> dict[str, Value]:
    return {"extract_by": {"enabled": True, "serial": serial}}


def _limit(size: Value) -> dict[str, Value]:
    return {"limit": {"enabled": True, "size": size}}


FRUIT: Value = ["pear", "banana", "", "orange"]

KEPT: list[tuple[Value, str, Value, Value]] = [
    (FRUIT, "contains", "{{#start.part#}}", ["banana", "orange"]),
    (FRUIT, "not contains", "an", ["pear", ""]),
    (FRUIT, "start with", "pe", ["pear"]),
    (FRUIT, "end with", "na", ["banana"]),
    (FRUIT, "is", "pear", ["pear"]),
    (FRUIT, "is not", "pear", ["banana", "", "orange"]),
    (FRUIT, "in", "pear or orange", ["pear", "", "orange"]),
    (FRUIT, "not in", "pear or orange", ["banana"]),
    (FRUIT, "empty", "", [""]),
    (FRUIT, "not empty", "", ["pear", "banana", "orange"]),
    ([1, 2.5, 3], "=", "2.5", [2.5]),
    ([1, 2.5, 3], "≠", "1", [2.5, 3]),
    ([1, 2.5, 3], "<", "2.5", [1]),
    ([1, 2.5, 3], "≤", "2.5", [1, 2.5]),
    ([1, 2.5, 3], ">", "{{#start.second#}}", [2.5, 3]),
    ([1, 2.5, 3], "≥", "3", [3]),
    ([True, False, True], "is", True, [True, True]),
    ([True, False, True], "is not", True, [False]),
]


@pytest.mark.parametrize(("items", "operator", "value", "kept"), KEPT)
def test_a_filter_keeps_what_passes(items: Value, operator: str, value: Value, kept: Value) -> None:
    assert _operate(items, **_filter(operator, value)).outputs["result"] == kept


def test_every_condition_must_hold() -> None:
    conditions: Value = [
        {"comparison_operator": "contains", "value": "an"},
        {"comparison_operator": "start with", "value": "o"},
    ]
    done = _operate(FRUIT, filter_by={"enabled": True, "conditions": conditions})
    assert done.outputs == {
        "result": ["orange"],
        "first_record": "orange",
        "last_record": "orange",
    }


def test_the_item_is_taken_before_the_list_is_ordered() -> None:
    items: Value = ["b", "a", "c"]
    assert _operate(items, **_extract("2"), **_order("desc")).outputs["result"] == ["a"]
    done = _operate(items, **_order("desc"), **_limit(2), **_filter("is not", "c"))
    assert done.outputs == {"result": ["b", "a"], "first_record": "b", "last_record": "a"}
    assert done.result is not None
    assert done.result.inputs == {"variable": items}


def test_what_is_switched_off_is_not_done() -> None:
    off: dict[str, Value] = {
        "filter_by": {"enabled": False, "conditions": [{"value": "x"}]},
        "extract_by": {"enabled": False, "serial": "2"},
        "order_by": {"enabled": False, "value": "desc"},
        "limit": {"enabled": False, "size": 1},
    }
    assert _operate([3, 1, 2], **off).outputs["result"] == [3, 1, 2]


ORDERED: list[tuple[Value, str, Value]] = [
    ([3, 1.5, 2], "asc", [1.5, 2, 3]),
    ([True, False], "asc", [False, True]),
    (["b", "B", "a"], "desc", ["b", "a", "B"]),
]


@pytest.mark.parametrize(("items", "direction", "ordered"), ORDERED)
def test_lists_are_ordered(items: Value, direction: str, ordered: Value) -> None:
    assert _operate(items, **_order(direction)).outputs["result"] == ordered


def test_a_limit_of_minus_one_is_none() -> None:
    assert _operate(["a", "b"], **_limit(-1)).outputs["result"] == ["a", "b"]
    assert _operate(["a", "b"], **_limit(None)).outputs["result"] == ["a", "b"]
    assert _operate(["a", "b"], **_limit(0)).outputs == {
        "result": [],
        "first_record": None,
        "last_record": None,
    }


@pytest.mark.parametrize("nothing", [[], "", None, 0, {}])
def test_nothing_is_an_empty_list(nothing: Value) -> None:
    done = _operate(nothing, **_extract("5"))
    assert done.outputs == {"result": [], "first_record": None, "last_record": None}


# --- files


def _file(name: str, kind: str, size: int, **more: Value) -> dict[str, Value]:
    return {
        "dify_model_identity": "__dify__file__",
        "filename": name,
        "type": kind,
        "size": size,
        "extension": name[name.index(".") :],
        "mime_type": f"{kind}/x",
        "transfer_method": "remote_url",
        "remote_url": f"https://files.example.test/{name}",
        "related_id": f"id-{name}",
        **more,
    }


PHOTO = _file("b.png", "image", 300)
LETTER = _file("a.pdf", "document", 20, transfer_method="local_file", remote_url=None)
SONG = _file("c.mp3", "audio", 4000, mime_type=None)
FILES: Value = [PHOTO, LETTER, SONG]

FILE_FILTERS: list[tuple[str, str, Value, str]] = [
    ("type", "in", ["image", "audio"], "b.png c.mp3"),
    ("type", "not in", ["image"], "a.pdf c.mp3"),
    ("transfer_method", "in", ["local_file"], "a.pdf"),
    ("transfer_method", "in", "local_file", "a.pdf"),
    ("name", "start with", "b", "b.png"),
    ("extension", "is", ".pdf", "a.pdf"),
    ("extension", "in", ".pdf,.png", "b.png a.pdf"),
    ("mime_type", "empty", "", "c.mp3"),
    ("url", "contains", "example.test", "b.png c.mp3"),
    ("related_id", "is", "id-c.mp3", "c.mp3"),
    ("size", "≥", "300", "b.png c.mp3"),
]


@pytest.mark.parametrize(("key", "operator", "value", "names"), FILE_FILTERS)
def test_files_are_filtered_by_their_attributes(
    key: str, operator: str, value: Value, names: str
) -> None:
    result = _operate(FILES, **_filter(operator, value, key)).outputs["result"]
    assert [file["filename"] for file in cast("list[dict[str, str]]", result)] == names.split()


FILE_ORDERS = [
    ("size", "desc", "c.mp3 b.png a.pdf"),
    ("name", "asc", "a.pdf b.png c.mp3"),
    ("type", "asc", "c.mp3 a.pdf b.png"),
    ("url", "asc", "a.pdf b.png c.mp3"),
]


@pytest.mark.parametrize(("key", "direction", "names"), FILE_ORDERS)
def test_files_are_ordered_by_an_attribute(key: str, direction: str, names: str) -> None:
    result = _operate(FILES, **_order(direction, key)).outputs["result"]
    assert [file["filename"] for file in cast("list[dict[str, str]]", result)] == names.split()


def test_files_are_filtered_as_a_client_sends_them() -> None:
    sent: Value = [
        {"type": "image", "transfer_method": "remote_url", "url": "https://x.test/a/cat.png?w=1"},
        {"type": "document", "transfer_method": "local_file", "upload_file_id": "17"},
    ]
    assert isinstance(sent, list)
    for key, value, kept in (
        ("name", "cat.png", sent[:1]),
        ("extension", ".png", sent[:1]),
        ("url", "https://x.test/a/cat.png?w=1", sent[:1]),
        ("url", "", sent[1:]),
        ("related_id", "17", sent[1:]),
        ("extension", "", sent[1:]),
    ):
        assert _operate(sent, **_filter("is", value, key)).outputs["result"] == kept, key


# --- what fails

NUMBERS: Value = [1, 2]
FLAGS: Value = [True]
FAILURES: list[tuple[Value, dict[str, Value], str, str]] = [
    (
        [{"a": 1}],
        {},
        "Variable ['start', 'l'] is not an array type, actual type: array[object]",
        "WorkflowNodeError",
    ),
    (
        "text",
        {},
        "Variable ['start', 'l'] is not an array type, actual type: string",
        "WorkflowNodeError",
    ),
    (
        [1, "a"],
        {},
        "Variable ['start', 'l'] is not an array type, actual type: array[any]",
        "WorkflowNodeError",
    ),
    (FRUIT, _filter("is", ["a"]), "Invalid filter value: ['a']", "InvalidFilterValueError"),
    (FRUIT, _filter("=", "a"), "Invalid condition: =", "InvalidConditionError"),
    (NUMBERS, _filter("is", "1"), "Invalid condition: is", "InvalidConditionError"),
    (NUMBERS, _filter("=", True), "Invalid filter value: True", "InvalidFilterValueError"),
    (NUMBERS, _filter("=", "x"), "could not convert string to float: 'x'", "WorkflowNodeError"),
    (
        FLAGS,
        _filter("is", "true"),
        "Boolean filter expects a boolean value, got <class 'str'>",
        "WorkflowNodeError",
    ),
    (FLAGS, _filter("in", True), "Invalid condition: in", "InvalidConditionError"),
    (
        FILES,
        _filter("is", True, "name"),
        "File filter expects a string value, got <class 'bool'>",
        "WorkflowNodeError",
    ),
    (FILES, _filter("in", ["a"], "name"), "Invalid key: name", "InvalidKeyError"),
    (FILES, _filter("is", "a", "colour"), "Invalid key: colour", "InvalidKeyError"),
    (FILES, _filter("is", ["image"], "type"), "Invalid condition: is", "InvalidConditionError"),
    (FILES, _order("asc", "colour"), "Invalid order key: colour", "InvalidKeyError"),
    (NUMBERS, _extract("0"), "Invalid serial index: must be >= 1, got 0", "WorkflowNodeError"),
    (NUMBERS, _extract("3"), "Invalid serial index: must be <= 2, got 3", "InvalidKeyError"),
    (
        NUMBERS,
        _extract("{{#start.part#}}"),
        "invalid literal for int() with base 10: 'an'",
        "WorkflowNodeError",
    ),
    (NUMBERS, _limit(-2), "Invalid limit size: -2", "WorkflowNodeError"),
]


@pytest.mark.parametrize(("items", "operations", "error", "error_type"), FAILURES)
def test_the_list_operator_fails_in_the_words_that_workflows_know(
    items: Value, operations: dict[str, Value], error: str, error_type: str
) -> None:
    assert _operate(items, **operations).error == (error, error_type)


def test_a_variable_that_does_not_exist_is_named() -> None:
    data: dict[str, Value] = {"type": "list-operator", "variable": ["start", "gone"]}
    error, _ = drive(parse_node(data), {"start": {}}).error
    assert error == "Variable not found for selector: ['start', 'gone']"


def test_a_file_filter_is_judged_at_the_first_file() -> None:
    conditions: Value = [
        {"key": "name", "comparison_operator": "is", "value": "gone"},
        {"key": "type", "comparison_operator": "is", "value": ["image"]},
    ]
    done = _operate(FILES, filter_by={"enabled": True, "conditions": conditions})
    assert done.outputs["result"] == []


PROBLEMS: list[tuple[dict[str, Value], str, str]] = [
    ({"variable": []}, "missing_field", "variable"),
    (_filter("like", "a"), "unknown_operator", "filter_by.conditions.0.comparison_operator"),
    (_filter("in", [1]), "wrong_type", "filter_by.conditions.0.value"),
    (_order("up"), "unknown_order", "order_by.value"),
    (_limit(1.5), "wrong_type", "limit.size"),
    (_limit(float("inf")), "wrong_type", "limit.size"),
]


@pytest.mark.parametrize(("data", "code", "field"), PROBLEMS)
def test_what_cannot_work_is_a_problem_of_its_field(
    data: dict[str, Value], code: str, field: str
) -> None:
    node = parse_node({"type": "list-operator", "variable": ["start", "l"], **data})
    assert [(problem.code, problem.field) for problem in node.problems] == [(code, field)]


def test_all_that_is_read_is_named() -> None:
    node = parse_node(
        {
            "type": "list-operator",
            "variable": ["start", "l"],
            **_filter("is", "{{#a.b#}}"),
            **_extract("{{#c.d#}}"),
        }
    )
    assert node.references == (("start", "l"), ("a", "b"), ("c", "d"))
