"""Applications in Dify's DSL, as small as each test needs them."""

from typing import Any

Json = dict[str, Any]


def app(name: str, nodes: list[Json], edges: list[tuple[str, ...]], mode: str = "workflow") -> Json:
    """A whole document; an edge is (source, target) or (source, handle, target)."""
    drawn = [
        {"source": edge[0], "target": edge[-1], "sourceHandle": edge[1] if edge[2:] else "source"}
        for edge in edges
    ]
    return {
        "version": "0.3.1",
        "kind": "app",
        "app": {"name": name, "mode": mode},
        "workflow": {"features": {}, "graph": {"nodes": nodes, "edges": drawn}},
    }


def start(*variables: Json) -> Json:
    return {"id": "start", "data": {"type": "start", "title": "Start", "variables": [*variables]}}


def variable(name: str, kind: str = "text-input", *, required: bool = True, **more: Any) -> Json:
    return {"variable": name, "label": name, "type": kind, "required": required, **more}


def template(node: str, text: str, **variables: list[str]) -> Json:
    given = [{"variable": name, "value_selector": value} for name, value in variables.items()]
    data = {"type": "template-transform", "title": node, "template": text, "variables": given}
    return {"id": node, "data": data}


def code(node: str, source: str, language: str = "python3", **outputs: str) -> Json:
    declared = {name: {"type": kind} for name, kind in (outputs or {"result": "string"}).items()}
    data: Json = {
        "type": "code",
        "title": node,
        "code_language": language,
        "code": source,
        "variables": [],
        "outputs": declared,
    }
    return {"id": node, "data": data}


def llm(node: str, prompt: str, *, provider: str = "openai", model: str = "any") -> Json:
    data: Json = {
        "type": "llm",
        "title": node,
        "model": {"provider": provider, "name": model, "mode": "chat", "completion_params": {}},
        "prompt_template": [{"role": "user", "text": prompt}],
        "context": {"enabled": False},
        "vision": {"enabled": False},
    }
    return {"id": node, "data": data}


def end(**outputs: list[str]) -> Json:
    shown = [{"variable": name, "value_selector": value} for name, value in outputs.items()]
    return {"id": "end", "data": {"type": "end", "title": "End", "outputs": shown}}


def answer(text: str) -> Json:
    return {"id": "answer", "data": {"type": "answer", "title": "Answer", "answer": text}}


def greeting() -> Json:
    """start (name) -> template -> end (text)."""
    nodes = [
        start(variable("name", max_length=20), variable("times", "number", required=False)),
        template("greet", "Hello, {{ name }}!", name=["start", "name"]),
        end(text=["greet", "output"]),
    ]
    return app("greeting", nodes, [("start", "greet"), ("greet", "end")])


def model_workflow(prompt: str = "Say something.", **model: str) -> Json:
    """start -> llm -> end (text)."""
    nodes = [start(), llm("model", prompt, **model), end(text=["model", "text"])]
    return app("model workflow", nodes, [("start", "model"), ("model", "end")])


def model_chat(*, memory: bool = False, provider: str = "openai", model: str = "any") -> Json:
    """start -> llm on the query -> answer."""
    asked = llm("model", "{{#sys.query#}}", provider=provider, model=model)
    if memory:
        asked["data"]["memory"] = {"window": {"enabled": True, "size": 10}}
        asked["data"]["prompt_template"] = [{"role": "system", "text": "Answer the user."}]
        asked["data"]["memory"]["query_prompt_template"] = "{{#sys.query#}}"
    nodes = [start(), asked, answer("{{#model.text#}}")]
    return app("model chat", nodes, [("start", "model"), ("model", "answer")], "advanced-chat")


def demo_chat() -> Json:
    """The same on the demo model."""
    return model_chat(provider="demo", model="demo-chat")


def code_workflow(source: str, language: str = "python3") -> Json:
    """start -> code -> end (result)."""
    nodes = [start(), code("work", source, language), end(result=["work", "result"])]
    return app("code workflow", nodes, [("start", "work"), ("work", "end")])
