from services.engine.domain.node_parts.found_json import MOST_TRIES, objects_in


def test_objects_are_found_in_order_and_not_inside_each_other() -> None:
    text = 'a {b} {"x": {"y": "}{"}} [{"z": 1}, {"w": 2}] {"open": '
    assert list(objects_in(text)) == [{"x": {"y": "}{"}}, {"z": 1}, {"w": 2}]


def test_a_text_of_braces_is_given_up() -> None:
    assert list(objects_in("{" * MOST_TRIES + '{"a": 1}')) == []
    assert list(objects_in("{" * (MOST_TRIES - 1) + '{"a": 1}')) == [{"a": 1}]


def test_depth_without_bound_is_no_object() -> None:
    assert list(objects_in('{"a":' * 100_000)) == []
