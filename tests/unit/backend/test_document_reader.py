"""YAML as JSON: positions in complaints, bounds on what a text may unfold to."""

import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.backend.domain.apps.dsl_document import DslInvalid
from services.backend.infra.yaml.document_reader import read_yaml


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (b"a: [1\nb: 2", "line 2"),
        (b"a: *nowhere", "has no anchor"),
        (b"a: !!python/object:os.system x", "not taken"),
        (b"a: !!binary aGk=", "'binary'"),
        (b"? [1]\n: 2", "a key must be plain text"),
        (b"a: &a [*a]", "inside its own anchor"),
        (b"\xff\xfe\xff", "Invalid YAML"),
        (b"a: 1\n---\nb: 2", "Invalid YAML"),
        (b"[" * 100_000, "nests more than"),
        (b"a: !!int x", "not what its tag says"),
        (b"a: 0" + b"7" * 2_000_000, "a number is too long"),
        (b"a: 1" + b":59" * 20_000 + b".5", "a number is too long"),
        (b"a: 1" + b":59" * 300 + b".5", "not what its tag says"),
    ],
)
def test_bad_documents_name_the_place(source: bytes, words: str) -> None:
    with pytest.raises(DslInvalid) as refused:
        read_yaml(source)
    assert words in refused.value.message


@pytest.mark.parametrize("word", ["yes", "12", "1.5", "~", "null", "2024-01-01", "plain", "0x10"])
def test_the_same_text_says_the_same_wherever_it_stands(word: str) -> None:
    source = f'a: {word}\nb: "{word}"\nc: !!str {word}\nd: {word}\n{word}: {word}\n'
    assert read_yaml(source.encode()).value == {
        "a": (value := yaml.safe_load(f"[{word}]")[0] if word != "2024-01-01" else word),
        "b": word,
        "c": word,
        "d": value,
        word: value,
    }


def test_a_small_text_cannot_unfold_to_a_large_document() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    begun = time.process_time()
    with pytest.raises(DslInvalid, match="too many values"):
        read_yaml("\n".join(lines).encode())
    assert time.process_time() - begun < 20


def test_values_are_what_yaml_says() -> None:
    source = b"""
a: {b: 1, c: 1.5, d: null, e: yes, f: "1", g: 2024-01-01, h: 1e3}
base: &base {x: 1, y: 2}
derived: {<<: *base, y: 3}
list: [*base, ~]
1: one
"""
    assert read_yaml(source).value == {
        "a": {"b": 1, "c": 1.5, "d": None, "e": True, "f": "1", "g": "2024-01-01", "h": "1e3"},
        "base": {"x": 1, "y": 2},
        "derived": {"x": 1, "y": 3},
        "list": [{"x": 1, "y": 2}, None],
        "1": "one",
    }


def test_plain_documents_read_as_any_loader_reads_them() -> None:
    value = {"nodes": [{"id": str(n), "data": {"x": n * 1.5, "t": "ü\n\n\tz"}} for n in range(50)]}
    assert read_yaml(yaml.safe_dump(value, allow_unicode=True).encode()).value == value


def test_positions_of_pointers() -> None:
    source = b"app:\n  name: x\n  mode: chat\nlist:\n- 1\n- two: 2\n"
    found = read_yaml(source)
    assert found.position("/app/mode") == (3, 9)
    assert found.position("/list/1/two") == (6, 8)
    assert found.position("/app/nothing/at/all") == (2, 3)
    assert found.position("") == (1, 1)


@given(st.from_regex(r"[-+]?[0-9][0-9_]{0,20}(\.[0-9_]{0,20}(e[-+]?[0-9]{1,2})?)?", fullmatch=True))
def test_numbers_are_what_yaml_says(text: str) -> None:
    source = f"- x {text}\n- {text}"
    assert repr(read_yaml(source.encode()).value) == repr(yaml.safe_load(source))


def test_what_lies_deep_is_read_as_what_lies_high() -> None:
    deep = "{a: &x [1, two, *y, {<<: {k: 1}, l: &z 3.5, m: *z}], b: *x, c: [[], {}, ~, -0.0]}"
    whole = f"y: &y 7\na: {{b: {{c: {{d: {{e: {deep}}}}}}}}}"
    value = read_yaml(whole.encode()).value
    assert value == yaml.safe_load(whole)
    assert repr(value) == repr(yaml.safe_load(whole))
