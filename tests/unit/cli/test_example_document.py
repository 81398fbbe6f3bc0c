"""The example's document, as it is and with another model."""

from pathlib import Path

import pytest
import yaml

from cli.example_document import load_example

DOCUMENT = """\
app: {mode: advanced-chat}
workflow:
  graph:
    nodes:
    - {id: s, data: {type: start, variables: [{variable: letter, type: paragraph}]}}
    - {id: m, data: {type: llm, model: {provider: demo, name: demo-chat, mode: chat}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app.yml").write_text(DOCUMENT)
    return tmp_path


def test_the_document_is_sent_byte_for_byte(folder: Path) -> None:
    example = load_example(folder)
    assert example.text == DOCUMENT.encode()
    assert example.input_name == "letter"


def test_another_model_replaces_only_provider_and_name(folder: Path) -> None:
    example = load_example(folder, model=("openai", "gpt-x"))
    expected = yaml.safe_load(DOCUMENT)
    expected["workflow"]["graph"]["nodes"][1]["data"]["model"] |= {
        "provider": "openai",
        "name": "gpt-x",
    }
    assert yaml.safe_load(example.text) == expected
