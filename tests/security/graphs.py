"""Small documents to attack."""

import json
from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType

from pydantic import JsonValue

Node = dict[str, JsonValue]


def node(node_id: str, kind: str, **data: JsonValue) -> Node:
    return {"id": node_id, "data": {"type": kind, "title": node_id, **data}}


def document(
    nodes: list[Node],
    *,
    mode: str = "workflow",
    name: str = "Target",
    handles: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """An app whose `nodes` follow each other in their order, on the `handles` of those named."""
    ids = [str(each["id"]) for each in nodes]
    edges = [
        {"id": f"{a}-{b}", "source": a, "target": b, "sourceHandle": handles.get(a, "source")}
        for a, b in pairwise(ids)
    ]
    app = {"mode": mode, "name": name}
    graph = {"nodes": nodes, "edges": edges}
    return json.dumps(
        {"version": "0.6.0", "kind": "app", "app": app, "workflow": {"graph": graph}}
    ).encode()


def around(middle: Node, output: str, *, name: str = "Target") -> bytes:
    """start, `middle`, end; the end shows the middle's `output` as `o`."""
    variables: JsonValue = [{"variable": "x", "type": "paragraph", "required": False}]
    shown: JsonValue = [{"variable": "o", "value_selector": [middle["id"], output]}]
    return document(
        [node("s", "start", variables=variables), middle, node("e", "end", outputs=shown)],
        name=name,
    )


def template(text: str) -> bytes:
    given: JsonValue = [{"variable": "x", "value_selector": ["s", "x"]}]
    return around(node("t", "template-transform", template=text, variables=given), "output")


def fetch(url: str) -> bytes:
    asking: Node = node(
        "h",
        "http-request",
        method="get",
        url=url,
        headers="",
        params="",
        body={"type": "none", "data": []},
        authorization={"type": "no-auth", "config": None},
    )
    return around(asking, "body")


def asking_people(shown: str) -> bytes:
    actions: JsonValue = [{"id": "yes", "title": "Yes"}]
    asking = node("h", "human-input", form_content=shown, user_actions=actions, inputs=[])
    nodes = [node("s", "start", variables=[]), asking, node("e", "end", outputs=[])]
    return document(nodes, name="Asks", handles={"h": "yes"})


def chat() -> bytes:
    answer = node("a", "answer", answer="you said {{#sys.query#}}")
    return document([node("s", "start", variables=[]), answer], mode="advanced-chat")


def asking_a_model() -> bytes:
    model: JsonValue = {
        "provider": "langgenius/openai/openai",
        "name": "gpt-4o-mini",
        "mode": "chat",
        "completion_params": {},
    }
    prompt: JsonValue = [{"role": "user", "text": "{{#s.x#}}"}]
    return around(node("m", "llm", model=model, prompt_template=prompt), "text")
