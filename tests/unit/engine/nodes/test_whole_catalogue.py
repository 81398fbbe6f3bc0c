"""Every node type tells before a run what it reads, what it makes, and what it does outside."""

import re
from typing import Any

import pytest

from deploy.local.layout import CHECKOUT
from services.engine.domain.node_parts.node_contract import DeclaresOutputs
from services.engine.domain.nodes.catalogue import CATALOGUE

X = ["s", "x"]
MODEL: dict[str, Any] = {
    "model": {"provider": "demo", "name": "demo-chat", "mode": "chat", "completion_params": {}}
}
CONDITION: dict[str, Any] = {
    "variable_selector": X,
    "comparison_operator": "is",
    "value": "1",
    "varType": "string",
}
VARIABLE: dict[str, Any] = {"variable": "x", "value_selector": X}
READING: dict[str, dict[str, Any]] = {
    "end": {"outputs": [VARIABLE]},
    "answer": {"answer": "{{#s.x#}}"},
    "llm": {**MODEL, "prompt_template": [{"role": "user", "text": "{{#s.x#}}"}]},
    "if-else": {"cases": [{"case_id": "a", "conditions": [CONDITION]}]},
    "template-transform": {"template": "{{ x }}", "variables": [VARIABLE]},
    "code": {
        "code_language": "python3",
        "code": "def main(x): return {'o': x}",
        "variables": [VARIABLE],
        "outputs": {"o": {"type": "string"}},
    },
    "variable-aggregator": {"output_type": "string", "variables": [X]},
    "variable-assigner": {"output_type": "string", "variables": [X]},
    "assigner": {
        "version": "2",
        "items": [
            {
                "variable_selector": ["conversation", "c"],
                "input_type": "variable",
                "operation": "over-write",
                "value": X,
            }
        ],
    },
    "http-request": {
        "method": "get",
        "url": "http://h/{{#s.x#}}",
        "body": {"type": "none", "data": []},
        "authorization": {"type": "no-auth"},
    },
    "document-extractor": {"variable_selector": X},
    "command": {"command": "cat a", "files": [{"path": "a", "value_selector": X}]},
    "human-input": {
        "form_content": "{{#s.x#}}",
        "user_actions": [{"id": "go", "title": "Go"}],
        "inputs": [],
        "timeout": 1,
        "timeout_unit": "day",
    },
    "tool": {
        "provider_id": "p",
        "provider_type": "builtin",
        "tool_name": "t",
        "tool_parameters": {"q": {"type": "variable", "value": X}},
    },
    "sub-workflow": {
        "app_id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "inputs": {"q": {"type": "variable", "value": X}},
    },
    "question-classifier": {
        **MODEL,
        "query_variable_selector": X,
        "classes": [{"id": "1", "name": "a"}],
    },
    "parameter-extractor": {
        **MODEL,
        "query": X,
        "parameters": [{"name": "p", "type": "string", "description": "", "required": False}],
    },
    "list-operator": {"variable": X},
    "iteration": {"iterator_selector": X, "output_selector": ["i", "o"], "start_node_id": "i"},
    "loop": {
        "loop_count": 2,
        "loop_variables": [
            {"label": "n", "var_type": "number", "value_type": "variable", "value": X}
        ],
    },
}
"""A configuration of each type that reads variables, which reads `s.x`."""
READS_NONE = {
    "start": "has the run's inputs",
    "trigger-webhook": "has the run's inputs",
    "trigger-schedule": "has the run's inputs",
    "trigger-plugin": "has the run's inputs",
    "iteration-start": "is a place",
    "loop-start": "is a place",
    "loop-end": "is a place",
}
KNOWN_LATER = {
    "trigger-plugin": "the fields of an event are its plugin's",
    "sub-workflow": "the outputs are those of the called app's end, once that is known",
}
_ROW = re.compile(r"^\| `([\w-]+)` \|[^|]+\| ([^|]+) \| (?:yes|no) \| ([^|]*)\|", re.MULTILINE)
ROWS = {
    name: (effect, set(re.findall(r"`([\w.]+)`", outputs)), "..." in outputs)
    for name, effect, outputs in _ROW.findall((CHECKOUT / "docs/guides/nodes.md").read_text())
}


def parsed(name: str) -> Any:
    return CATALOGUE[name].parse("n", {"type": name, "title": "t", **READING.get(name, {})})


@pytest.mark.parametrize("name", CATALOGUE)
def test_it_tells_what_it_reads(name: str) -> None:
    assert (name in READING) != (name in READS_NONE)
    node = parsed(name)
    assert (tuple(X) in node.references) == (name in READING)
    if name in READING:
        assert not [problem for problem in node.problems if problem.severity == "error"]


@pytest.mark.parametrize("name", CATALOGUE)
def test_it_tells_what_it_makes(name: str) -> None:
    node = parsed(name)
    assert isinstance(node, DeclaresOutputs) == (name not in KNOWN_LATER)
    told, more = ROWS[name][1:]
    if name not in KNOWN_LATER and not more:
        # What is read inside a container, or stands in the configuration, is no column's matter.
        own = {"item", "index", "n"} if name in {"iteration", "loop"} else set[str]()
        declared = set(node.output_types) - own
        assert declared | {"structured_output"} >= told >= declared


@pytest.mark.parametrize("name", CATALOGUE)
def test_it_tells_what_it_does_to_the_world(name: str) -> None:
    told = ROWS[name][0]
    match getattr(parsed(name), "effect_class", None):
        case None:
            assert told == "pure"
        case "model":
            assert told == "model"
        case "human":
            assert told == "a person"
        case str() as effect:
            assert effect in told or told.startswith(("of the tool", "the greatest"))
        case other:
            pytest.fail(f"{other!r} is no class")
