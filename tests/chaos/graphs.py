"""The applications under load: models in a row, models side by side, a program and three requests,
a list of a hundred items, and a question to a person."""

from itertools import pairwise
from typing import Any, Literal

Node = dict[str, Any]
Kind = Literal["chat", "flow", "web", "items", "ask"]
KINDS: tuple[Kind, ...] = ("chat", "flow", "web", "items", "ask")
MODEL_NODES: dict[str, tuple[str, ...]] = {"chat": ("first", "second"), "flow": ("left", "right")}
"""By kind, the nodes that ask a model, in the order in which a run's text shows them."""
ITEMS = 100
UNKNOWN = "nobody knows"
"""What stands for the answer to an unsafe request that may have been made or not."""

_START: Node = {
    "id": "start",
    "data": {
        "type": "start",
        "title": "Start",
        "variables": [{"variable": "job", "label": "Job", "type": "text-input", "required": True}],
    },
}


def app_of(kind: Kind, web: str) -> Node:
    """The document of a kind; `web` is where its requests go."""
    match kind:
        case "chat":
            return _chat_app()
        case "flow":
            return _flow_app()
        case "web":
            return _web_app(web)
        case "items":
            return _items_app(web)
        case "ask":
            return _ask_app(web)


def prompts_of(kind: Kind, job: str) -> tuple[str, ...]:
    """What a run of `job` asks models, node by node as in MODEL_NODES."""
    if kind == "chat":
        return f"a chat {job}", f"b chat {job}"
    return (f"c flow {job}", f"d flow {job}") if kind == "flow" else ()


def _app(name: str, nodes: list[Node], edges: list[tuple[str, ...]], mode: str) -> Node:
    drawn = [{"source": a, "target": z, "sourceHandle": "source"} for a, z in edges]
    return {
        "version": "0.3.1",
        "kind": "app",
        "app": {"name": f"chaos {name}", "mode": mode},
        "workflow": {"features": {}, "graph": {"nodes": nodes, "edges": drawn}},
    }


def _row(*names: str) -> list[tuple[str, ...]]:
    return list(pairwise(names))


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


def _end(**outputs: tuple[str, str]) -> Node:
    shown = [{"variable": name, "value_selector": [*place]} for name, place in outputs.items()]
    return {"id": "end", "data": {"type": "end", "title": "End", "outputs": shown}}


def _code(node: str, source: str, outputs: Node, **variables: list[str]) -> Node:
    data: Node = {
        "type": "code",
        "title": node,
        "code_language": "python3",
        "code": source,
        "variables": [
            {"variable": name, "value_selector": place} for name, place in variables.items()
        ],
        "outputs": outputs,
    }
    return {"id": node, "data": data}


def _request(node: str, url: str, method: str = "get", **more: Any) -> Node:
    data: Node = {
        "type": "http-request",
        "title": node,
        "method": method,
        "url": url,
        "authorization": {"type": "no-auth"},
        "headers": "",
        "params": "",
        "body": {"type": "none", "data": []},
        "retry_config": {"retry_enabled": False},
        **more,
    }
    return {"id": node, "data": data}


def _unsafe(node: str, url: str) -> Node:
    """One that must not be made twice, so that its outcome can be unknown."""
    unknown = [
        {"key": "body", "type": "string", "value": UNKNOWN},
        {"key": "status_code", "type": "number", "value": 0},
    ]
    return _request(node, url, "post", error_strategy="default-value", default_value=unknown)


def _chat_app() -> Node:
    """first, then second, both asked about the query and shown in one answer."""
    said = "One {{#first.text#}} two {{#second.text#}} end."
    nodes: list[Node] = [
        {"id": "start", "data": {"type": "start", "title": "Start", "variables": []}},
        _llm("first", "a chat {{#sys.query#}}"),
        _llm("second", "b chat {{#sys.query#}}"),
        {"id": "answer", "data": {"type": "answer", "title": "Answer", "answer": said}},
    ]
    return _app("chat", nodes, _row("start", "first", "second", "answer"), "advanced-chat")


def _flow_app() -> Node:
    """left and right at once, joined by a template before the end shows both."""
    both: Node = {
        "type": "template-transform",
        "title": "Both",
        "template": "{{ one }} | {{ two }}",
        "variables": [
            {"variable": "one", "value_selector": ["left", "text"]},
            {"variable": "two", "value_selector": ["right", "text"]},
        ],
    }
    nodes = [
        _START,
        _llm("left", "c flow {{#start.job#}}"),
        _llm("right", "d flow {{#start.job#}}"),
        {"id": "both", "data": both},
        _end(left=("left", "text"), right=("right", "text")),
    ]
    edges = [*_row("start", "left", "both", "end"), *_row("start", "right", "both")]
    return _app("flow", nodes, edges, "workflow")


def _web_app(web: str) -> Node:
    """Code, then a request of each effect class, then code again."""
    slowly = "import time\ndef main(job):\n    time.sleep(0.3)\n    return {'made': f'made {job}'}"
    length = "def main(made):\n    return {'length': len(made)}"
    nodes = [
        _START,
        _code("make", slowly, {"made": {"type": "string"}}, job=["start", "job"]),
        _request("fetch", f"{web}/fetch/{{{{#start.job#}}}}"),
        _unsafe("book", f"{web}/book/{{{{#start.job#}}}}"),
        _request("order", f"{web}/order/{{{{#start.job#}}}}", "post", idempotent_target=True),
        _code("measure", length, {"length": {"type": "number"}}, made=["make", "made"]),
        _end(
            made=("make", "made"),
            fetch=("fetch", "body"),
            book=("book", "body"),
            order=("order", "body"),
            length=("measure", "length"),
        ),
    ]
    edges = _row("start", "make", "fetch", "book", "order", "measure", "end")
    return _app("web", nodes, edges, "workflow")


def _items_app(web: str) -> Node:
    """A list from code, a request for each of its items, ten at once."""
    count = f"def main():\n    return {{'numbers': list(range({ITEMS}))}}"
    each: Node = {
        "type": "iteration",
        "title": "Each",
        "iterator_selector": ["list", "numbers"],
        "output_selector": ["item", "body"],
        "start_node_id": "eachstart",
        "is_parallel": True,
        "parallel_nums": 10,
        "error_handle_mode": "terminated",
    }
    begin: Node = {
        "id": "eachstart",
        "type": "custom-iteration-start",
        "parentId": "each",
        "data": {"type": "iteration-start", "title": ""},
    }
    item = _request("item", f"{web}/item/{{{{#start.job#}}}}/{{{{#each.item#}}}}") | {
        "parentId": "each"
    }
    nodes = [
        _START,
        _code("list", count, {"numbers": {"type": "array[number]"}}),
        {"id": "each", "data": each},
        begin,
        item,
        _end(items=("each", "output")),
    ]
    edges = [*_row("start", "list", "each", "end"), *_row("eachstart", "item")]
    return _app("items", nodes, edges, "workflow")


def _ask_app(web: str) -> Node:
    """A person is asked; whichever button they choose, something is booked that must not be
    booked twice."""
    ask: Node = {
        "type": "human-input",
        "title": "Ask",
        "form_content": "May {{#start.job#}} go on?",
        "inputs": [{"type": "paragraph", "output_variable_name": "why"}],
        "user_actions": [{"id": "yes", "title": "Yes"}, {"id": "no", "title": "No"}],
    }
    nodes = [
        _START,
        {"id": "ask", "data": ask},
        _unsafe("book", f"{web}/book/{{{{#start.job#}}}}"),
        _end(action=("ask", "__action_id"), why=("ask", "why"), book=("book", "body")),
    ]
    document = _app("ask", nodes, [("start", "ask"), ("book", "end")], "workflow")
    document["workflow"]["graph"]["edges"] += [
        {"source": "ask", "target": "book", "sourceHandle": action} for action in ("yes", "no")
    ]
    return document
