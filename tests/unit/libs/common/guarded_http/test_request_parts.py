"""A caller's words in a request: none of them ends a line."""

import pytest

from libs.common.contracts.subjects import token
from libs.common.errors import InvalidInput
from libs.common.guarded_http.request_parts import headers_of, idempotency_value, method_of

PLAIN = "0198c0de-0000-7000-8000-000000000001/0198c0de-0000-7000-8000-000000000002/n_1/a:7,b:0/0/1"


@pytest.mark.parametrize("odd", ["X\r\n", "X\n", "X\r\nY: 1", "X Y", "", "X\0"])
def test_names_are_names(odd: str) -> None:
    with pytest.raises(InvalidInput):
        headers_of([(odd, "v")])
    with pytest.raises(InvalidInput):
        method_of(odd)


@pytest.mark.parametrize("odd", ["v\r\nY: 1", "v\n", "\x7f", "\0"])
def test_values_end_no_line(odd: str) -> None:
    with pytest.raises(InvalidInput):
        headers_of([("X", odd)])


@pytest.mark.parametrize("odd", ["", "*", ">", "a.b", "a b", "a\n", "a\r\n", "ж", "a\0"])
def test_a_subject_has_no_token_of_more_than_letters(odd: str) -> None:
    with pytest.raises(ValueError, match="subject"):
        token(odd)


def test_a_key_is_sent_as_it_is() -> None:
    assert idempotency_value(PLAIN) == PLAIN


@pytest.mark.parametrize("odd", ["a\r\nX-Evil: 1", "ключ", "a b", "a\0", "n" * 5000, "ж" * 90])
def test_an_odd_key_is_one_word_of_a_line(odd: str) -> None:
    value = idempotency_value(odd)
    assert value.isascii()
    assert value.isprintable()
    assert " " not in value
    assert len(value) <= 255
    assert value != idempotency_value(f"{odd}!")
