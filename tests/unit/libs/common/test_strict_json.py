"""What a body must be before anything else looks at it."""

import pytest

from libs.common.errors import InvalidInput
from libs.common.strict_json import MOST_NESTED, read_json


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}),
        (b"\xef\xbb\xbf{}", {}),
        (b'"\\ud83d\\ude00\\u0000"', "\N{GRINNING FACE}\0"),
        (b"[" * MOST_NESTED + b"]" * MOST_NESTED, None),
    ],
)
def test_json_is_taken(body: bytes, value: object) -> None:
    found = read_json(body)
    assert value is None or found == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"NaN",
        b"[-Infinity]",
        b'{"a": 1e999}',
        b'"\\ud800"',
        b'{"\\udfff": 1}',
        b'"\xff"',
        b"9" * 5000,
        '{"a": 1}'.encode("utf-16"),
        b"[" * (MOST_NESTED + 1) + b"]" * (MOST_NESTED + 1),
        b'{"a":' * 150 + b"1" + b"}" * 150,
        b"[" * 1_000_000,
    ],
)
def test_what_could_not_be_kept_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_json(body)
