"""The example application, with another model where one is at hand."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

import yaml
from pydantic import JsonValue

FOLDER = Path(__file__).resolve().parents[1] / "examples" / "support_triage"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleDocument:
    """`text` is the DSL; `input_name` is the start node's variable that takes the ticket."""

    text: bytes
    input_name: str


def load_example(folder: Path, model: tuple[str, str] | None = None) -> ExampleDocument:
    """The example in `folder`, every llm node switched to `model` (provider, name) if given."""
    text = (folder / "app.yml").read_bytes()
    document: JsonValue = yaml.safe_load(text)
    nodes = _nodes(document)
    if model is not None:
        for data in nodes:
            settings = data.get("model")
            if data.get("type") == "llm" and isinstance(settings, dict):
                settings["provider"], settings["name"] = model
        text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False).encode()
    return ExampleDocument(text=text, input_name=_input_name(nodes))


def _nodes(document: JsonValue) -> list[dict[str, JsonValue]]:
    found = document
    for key in ("workflow", "graph", "nodes"):
        found = found.get(key) if isinstance(found, dict) else None
    nodes = found if isinstance(found, list) else []
    return [data for node in nodes if isinstance(node, dict) and _is_object(data := node["data"])]


def _input_name(nodes: list[dict[str, JsonValue]]) -> str:
    for data in nodes:
        variables = data.get("variables")
        if data.get("type") == "start" and isinstance(variables, list):
            for variable in variables:
                if isinstance(variable, dict) and isinstance(variable.get("variable"), str):
                    return str(variable["variable"])
    return "ticket"


def _is_object(value: JsonValue) -> TypeGuard[dict[str, JsonValue]]:
    return isinstance(value, dict)
