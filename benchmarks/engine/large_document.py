"""A DSL document of many nodes, as a canvas exports it."""

from typing import Any

import yaml

_KINDS = ("template-transform", "llm", "if-else", "code")


def large_document(size: int) -> bytes:
    """`size` nodes in a chain: templates, model calls, conditions and code, in turns."""
    names = [str(1_700_000_000_000 + place) for place in range(size)]
    nodes = [_node(name, place, names) for place, name in enumerate(names)]
    edges = [_edge(names[place], names[place + 1], nodes[place]) for place in range(size - 1)]
    document: dict[str, Any] = {
        "kind": "app",
        "version": "0.3.1",
        "app": {"name": "Large", "mode": "workflow", "description": "", "icon": "x"},
        "workflow": {
            "conversation_variables": [],
            "environment_variables": [],
            "features": {},
            "graph": {
                "nodes": nodes,
                "edges": edges,
                "viewport": {"x": 0.0, "y": -12.5, "zoom": 0.7},
            },
        },
    }
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=True).encode()


def _node(name: str, place: int, names: list[str]) -> dict[str, Any]:
    if place == 0:
        data = _start()
    elif place == len(names) - 1:
        outputs = [{"variable": "result", "value_selector": [names[place - 1], "output"]}]
        data = {"type": "end", "outputs": outputs}
    else:
        data = _DATA[_KINDS[place % len(_KINDS)]](names[place - 1])
    title = {"title": f"Step {place}", "desc": "", "selected": False}
    at = {"x": 80.0 + 300 * place, "y": 282.5}
    return {
        "id": name,
        "type": "custom",
        "data": {**title, **data},
        "position": at,
        "positionAbsolute": {**at},
        "height": 54,
        "width": 244,
        "selected": False,
        "sourcePosition": "right",
        "targetPosition": "left",
    }


def _edge(source: str, target: str, node: dict[str, Any]) -> dict[str, Any]:
    handle = "true" if node["data"]["type"] == "if-else" else "source"
    return {
        "id": f"{source}-{handle}-{target}-target",
        "source": source,
        "sourceHandle": handle,
        "target": target,
        "targetHandle": "target",
        "type": "custom",
        "zIndex": 0,
        "data": {"isInIteration": False, "sourceType": node["data"]["type"]},
    }


def _start() -> dict[str, Any]:
    declared: dict[str, Any] = {"label": "Text", "max_length": 48, "options": [], "required": True}
    return {
        "type": "start",
        "variables": [{**declared, "type": "text-input", "variable": "text"}],
    }


def _template(before: str) -> dict[str, Any]:
    return {
        "type": "template-transform",
        "template": f"Step after {before}: {{{{ text | upper }}}}",
        "variables": [{"variable": "text", "value_selector": [before, "output"]}],
    }


def _llm(before: str) -> dict[str, Any]:
    prompts = [
        {"id": "a", "role": "system", "text": "You answer in one sentence, and never guess."},
        {"id": "b", "role": "user", "text": f"Say it in other words: {{{{#{before}.output#}}}}"},
    ]
    return {
        "type": "llm",
        "model": {
            "provider": "langgenius/openai/openai",
            "name": "gpt-4o-mini",
            "mode": "chat",
            "completion_params": {"temperature": 0.7, "max_tokens": 512},
        },
        "prompt_template": prompts,
        "context": {"enabled": False, "variable_selector": []},
        "vision": {"enabled": False},
        "variables": [],
    }


def _if_else(before: str) -> dict[str, Any]:
    condition = {
        "id": "c",
        "comparison_operator": "contains",
        "value": "yes",
        "varType": "string",
        "variable_selector": [before, "text"],
    }
    case = {"case_id": "true", "id": "true", "logical_operator": "and", "conditions": [condition]}
    return {"type": "if-else", "cases": [case]}


def _code(before: str) -> dict[str, Any]:
    return {
        "type": "code",
        "code_language": "python3",
        "code": 'def main(text: str) -> dict:\n    return {"output": text.strip()}\n',
        "outputs": {"output": {"type": "string", "children": None}},
        "variables": [{"variable": "text", "value_selector": [before, "output"]}],
    }


_DATA = {"template-transform": _template, "llm": _llm, "if-else": _if_else, "code": _code}
