"""Reading what the guest, or the user's code in its place, wrote."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.plugin.domain.sandbox.report import error_of, parse_report


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"[]", b"1", b"null", b"\xff\xfe", b'{"status":"great"}', b'{"result":1}',
        b'{"status":"ok","result":NaN}', b'{"status":"ok","result":-Infinity}',
        b'{"status":"error","line":"x"}',
        b'{"status":"limit","limit":"luck"}', b"[" * 100_000, b'{"status":"ok"}{"status":"ok"}',
        b'{"status":"ok","result":' + b"1" * 5000 + b"}",
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_no_report(raw: bytes) -> None:
    assert parse_report(raw) is None


@pytest.mark.parametrize("depth", [100, 101, 250, 900])
def test_a_result_that_nests_too_deep_is_the_codes_error(depth: int) -> None:
    nested = b'{"a":' * (depth - 1) + b"[7]" + b"}" * (depth - 1)
    report = parse_report(b'{"status":"ok","result":' + nested + b"}")
    assert report is not None
    if depth == 100:
        assert report.status == "ok"
    else:
        told = "main returned lists or objects nested more than 100 deep"
        assert (report.status, report.type, report.message) == ("error", "InvalidResult", told)


@pytest.mark.parametrize("result", [b'"\\ud800"', b'{"\\udfff":1}', b'["\\udc00\\ud800"]'])
def test_a_result_with_half_a_surrogate_pair_is_the_codes_error(result: bytes) -> None:
    report = parse_report(b'{"status":"ok","result":' + result + b"}")
    assert report is not None
    assert (report.status, report.type) == ("error", "InvalidResult")
    assert "lone surrogate" in report.message


def test_an_error_with_half_a_surrogate_pair_keeps_its_class_and_line() -> None:
    report = parse_report(_report(type="ValueError", message="bad \ud800 text", line=3))
    assert report is not None
    error = error_of(report)
    assert (error.type, error.message, error.line) == ("ValueError", "bad ? text", 3)
    assert error.traceback.encode()


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(raw: bytes) -> None:
    parse_report(raw)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4),
    max_leaves=10,
)  # fmt: skip


@given(_JSON)
def test_results_survive_exactly(value: object) -> None:
    for ascii_only in (True, False):
        text = json.dumps({"status": "ok", "result": value}, ensure_ascii=ascii_only)
        report = parse_report(text.encode())
        assert report is not None
        assert repr(report.result) == repr(value)


def _report(**fields: object) -> bytes:
    return json.dumps({"status": "error", **fields}).encode()


def test_python_frames_become_a_traceback() -> None:
    frames = [
        {"line": 7, "function": "main", "text": "    return helper()"},
        {"line": 3, "function": "helper", "text": ""},
    ]
    report = parse_report(_report(type="KeyError", message="'x'", line=3, frames=frames))
    assert report is not None
    error = error_of(report)
    assert error.line == 3
    assert error.traceback == (
        "Traceback (most recent call last):\n"
        '  File "<code>", line 7, in main\n'
        "    return helper()\n"
        '  File "<code>", line 3, in helper\n'
        "KeyError: 'x'"
    )


def test_javascript_stacks_keep_only_the_users_frames() -> None:
    stack = (
        "TypeError: no\n    at helper (<code>:3:9)\n    at <code>:8:2\n"
        "    at new Promise (<anonymous>)\n    at async main (<code>:12:1)\n"
        "    at Script.runInThisContext (node:vm:137:12)\n"
        "    at serve (/guest/run_javascript.js:99:3)"
    )
    report = parse_report(_report(type="TypeError", message="no", stack=stack))
    assert report is not None
    error = error_of(report)
    assert error.line == 3
    assert error.traceback == (
        "TypeError: no\n    at helper (<code>:3:9)\n    at <code>:8:2\n"
        "    at async main (<code>:12:1)"
    )


def test_javascript_syntax_errors_point_at_their_line() -> None:
    stack = (
        "<code>:5\nlet b = ;\n        ^\n\nSyntaxError: Unexpected token ';'\n"
        "    at new Script (node:vm:117:7)"
    )
    report = parse_report(_report(type="SyntaxError", message="Unexpected token ';'", stack=stack))
    assert report is not None
    error = error_of(report)
    assert error.line == 5
    assert error.traceback == ("<code>:5\nlet b = ;\n        ^\nSyntaxError: Unexpected token ';'")


def test_messages_are_bounded() -> None:
    report = parse_report(_report(type="X" * 9999, message="y" * 99999, stack="z" * 99999))
    assert report is not None
    error = error_of(report)
    assert len(error.type) + len(error.message) + len(error.traceback) < 30_000
