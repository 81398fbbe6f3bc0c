"""The two applications under load: a chat whose models follow each other, a workflow whose models
run side by side."""

from typing import Any

Node = dict[str, Any]
NODES = {"advanced-chat": ("first", "second"), "workflow": ("left", "right")}
"""By mode, the nodes that ask a model, in the order in which a run's text shows them."""


def _llm(node: str, prompt: str) -> Node:
    data: Node = {
        "type": "llm",
        "title": node,
        "model": {"provider": "openai", "name": "slow", "mode": "chat", "completion_params": {}},
        "prompt_template": [{"role": "user", "text": prompt}],
        "context": {"enabled": False},
        "vision": {"enabled": False},
    }
    return {"id": node, "data": data}


def _app(name: str, mode: str, nodes: list[Node], edges: list[tuple[str, str]]) -> Node:
    drawn = [{"source": source, "target": target} for source, target in edges]
    return {
        "version": "0.3.1",
        "kind": "app",
        "app": {"name": name, "mode": mode},
        "workflow": {"features": {}, "graph": {"nodes": nodes, "edges": drawn}},
    }


def chat_app() -> Node:
    """first, then second, both asked about the query and shown in one answer."""
    start: Node = {"id": "start", "data": {"type": "start", "title": "Start", "variables": []}}
    said = "One {{#first.text#}} two {{#second.text#}} end."
    answer = {"id": "answer", "data": {"type": "answer", "title": "Answer", "answer": said}}
    nodes = [
        start,
        _llm("first", "a chat {{#sys.query#}}"),
        _llm("second", "b chat {{#sys.query#}}"),
        answer,
    ]
    return _app(
        "chaos chat",
        "advanced-chat",
        nodes,
        [("start", "first"), ("first", "second"), ("second", "answer")],
    )


def workflow_app() -> Node:
    """left and right at once, joined by a template before the end shows both."""
    job = {"variable": "job", "label": "Job", "type": "text-input", "required": True}
    start: Node = {"id": "start", "data": {"type": "start", "title": "Start", "variables": [job]}}
    both: Node = {
        "type": "template-transform",
        "title": "Both",
        "template": "{{ one }} | {{ two }}",
        "variables": [
            {"variable": "one", "value_selector": ["left", "text"]},
            {"variable": "two", "value_selector": ["right", "text"]},
        ],
    }
    end: Node = {
        "type": "end",
        "title": "End",
        "outputs": [
            {"variable": "left", "value_selector": ["left", "text"]},
            {"variable": "right", "value_selector": ["right", "text"]},
        ],
    }
    nodes = [
        start,
        _llm("left", "c flow {{#start.job#}}"),
        _llm("right", "d flow {{#start.job#}}"),
        {"id": "both", "data": both},
        {"id": "end", "data": end},
    ]
    edges = [("start", "left"), ("start", "right"), ("left", "both"), ("right", "both")]
    return _app("chaos workflow", "workflow", nodes, [*edges, ("both", "end")])


def prompts_of(mode: str, job: str) -> tuple[str, str]:
    """What a run of `job` asks, node by node as in NODES."""
    if mode == "advanced-chat":
        return f"a chat {job}", f"b chat {job}"
    return f"c flow {job}", f"d flow {job}"
