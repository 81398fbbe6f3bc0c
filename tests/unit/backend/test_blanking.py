"""Secret values are cut out of a document's text and nothing else is."""

import json

import pytest

from services.backend.infra.yaml.blanking import blanked
from services.backend.infra.yaml.document_reader import read_yaml

PLACES = (("workflow", "environment_variables", 0, "value"),)
SECRET = "s3cr3t"

TEXTS = {
    "plain": "  - value: s3cr3t # kept\n    name: K\n",
    "quoted": '  - {name: "Ä", value: "s3cr\\u0033t"}\n',
    "single": "  - name: '日本'\n    value: 's3cr3t'\n",
    "block": "  - value: |-\n      s3cr3t\n    name: K\n",
    "folded": "  - name: K\n    value: >\n      s3cr3t\n",
    "tagged": "  - name: K\n    value: !!str s3cr3t\n",
    "anchored": "  - name: K\n    value: &v s3cr3t\n",
}


def of(variables: str) -> bytes:
    return f"# a comment\nworkflow:\n  environment_variables:\n{variables}  graph: {{}}\n".encode()


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_value_goes_and_the_rest_stays(text: str, mark: str) -> None:
    source = mark.encode() + of(text)
    document = read_yaml(source).value
    left = blanked(source, document, PLACES)
    assert SECRET.encode() not in left
    assert b"s3cr\\u0033t" not in left
    assert b"# a comment" in left
    before, after = dict(_variable(document)), dict(_variable(read_yaml(left).value))
    assert before.pop("value").strip() == SECRET
    assert after.pop("value") == ""
    assert before == after


def test_a_value_by_alias_is_written_anew() -> None:
    source = (
        b"base: &b {value: s3cr3t}\nworkflow:\n  environment_variables:\n  - {<<: *b, name: K}\n"
    )
    document = read_yaml(source).value
    left = json.loads(blanked(source, document, PLACES))
    assert _variable(left) == {"value": "", "name": "K"}


def _variable(document: object) -> dict[str, str]:
    assert isinstance(document, dict)
    return document["workflow"]["environment_variables"][0]  # pyright: ignore[reportUnknownVariableType]
