"""Cases recorded on another engine: a folder of documents beside `golden_*.json`.

A golden file maps "document::case", or a probe's name, to inputs, query, the final event, the
visible text and the events. What models and HTTP servers said is read off the recorded events. The
recording engine's models were stubs that answered an empty prompt too; a case that asks nothing of
a model is given a word to ask.
"""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from tests.conformance.case import Case, Expected, as_app, nodes_of
from tests.support.scripted_upstream import Answer
from tests.support.scripted_web import WebReply

_STATUS = {
    "GraphRunSucceededEvent": "succeeded",
    "GraphRunPartialSucceededEvent": "partial-succeeded",
    "GraphRunFailedEvent": "failed",
}
_ENGINE_CODE = re.compile(r"<(?:class '\w+\.|[A-Z]\w*\.[A-Z])")
_NEWER: dict[str, dict[str, Any]] = {
    # The newest release streams answers inside containers; the recording engine did not.
    "iteration_contains_answer.yml::hi": {"stream": "apple\nbanana\ndone"},
    # The recorded text holds an id that was drawn at random.
    "iteration_not_array": {"error": "invalid iterator value: "},
}


def recorded_cases(folder: Path) -> list[Case]:
    """Every recorded case of `folder`, fixtures first."""
    cases: list[Case] = []
    for golden, documents in (("golden_fixtures.json", "fixtures"), ("golden_probes.json", "")):
        path = folder / golden
        if path.is_file():
            for name, recorded in json.loads(path.read_text()).items():
                place = recorded.get("fixture") or f"{documents}/{name.split('::')[0]}"
                cases.append(_case(name, folder / place, recorded))
    return cases


def hosts(folder: Path) -> set[str]:
    """Every host that a document or the inputs of a case name literally."""
    found: set[str] = set()
    for path in (*folder.rglob("*.yml"), *folder.glob("golden_*.json")):
        for word in path.read_text().replace('"', " ").replace("'", " ").split():
            if word.startswith(("http://", "https://")):
                host = word.split("/")[2].split(":")[0]
                if host.replace("-", "").replace(".", "").isalnum():
                    found.add(host)
    return found


def _case(name: str, path: Path, recorded: dict[str, Any]) -> Case:
    document = as_app(yaml.safe_load(path.read_text()), name)
    events: list[dict[str, Any]] = recorded.get("events", [])
    kinds = {str(n["id"]): n.get("data", {}).get("type", "") for n in nodes_of(document)}
    models = {
        node: answer
        for event in events
        if kinds.get(node := str(event.get("node_id"))) == "llm"
        and (answer := _answer(event)) is not None
    }
    return Case(
        name=name,
        document=_with_structured_output(document, events, kinds),
        inputs=recorded.get("inputs") or {},
        query=recorded.get("query") or ("hello" if models else ""),
        models=models,
        web=_web_reply(events, kinds),
        expected=_expected(name, recorded),
    )


def _answer(event: dict[str, Any]) -> Answer | None:
    if event["e"] == "NodeRunFailedEvent":
        return Answer(text=event["error"], status=400)
    outputs: dict[str, Any] = event.get("outputs") or {}
    if event["e"] != "NodeRunSucceededEvent":
        return None
    if "structured_output" in outputs:
        return Answer(text=json.dumps(outputs["structured_output"]))
    return Answer(text=outputs["text"]) if "text" in outputs else None


def _web_reply(events: list[dict[str, Any]], kinds: dict[str, str]) -> WebReply:
    for event in events:
        outputs: dict[str, Any] = event.get("outputs") or {}
        if kinds.get(str(event.get("node_id"))) == "http-request" and "status_code" in outputs:
            return WebReply(
                status=outputs["status_code"],
                body=str(outputs.get("body", "")).encode(),
                headers={"content-type": "application/json"},
            )
    return WebReply()


def _expected(name: str, recorded: dict[str, Any]) -> Expected:
    final: dict[str, Any] = recorded["final"]
    status = _STATUS[final["e"]]
    values: dict[str, Any] = {
        "status": status,
        "outputs": final.get("outputs"),
        "error": _own_words(final.get("error")),
        "exceptions": final.get("exceptions_count"),
        "stream": _visible(recorded) if status != "failed" else None,
    }
    return Expected(**{**values, **_NEWER.get(name, {})})


def _own_words(error: str | None) -> str | None:
    """The error up to where it shows a class or an enum of the recording engine's own code."""
    return None if error is None else _ENGINE_CODE.split(error)[0]


def _visible(recorded: dict[str, Any]) -> str:
    chunks = (e for e in recorded.get("events", []) if e["e"] == "NodeRunStreamChunkEvent")
    return "".join(event["chunk"] for event in chunks)


def _with_structured_output(
    document: Any, events: list[dict[str, Any]], kinds: dict[str, str]
) -> Any:
    """The recorded case replaced the answer by the model's structured output; so do we."""
    shaped = {
        str(event["node_id"]): event["outputs"]["structured_output"]
        for event in events
        if event["e"] == "NodeRunSucceededEvent"
        and kinds.get(str(event["node_id"])) == "llm"
        and "structured_output" in (event.get("outputs") or {})
    }
    for node in nodes_of(document):
        data = node["data"]
        if str(node["id"]) in shaped and not data.get("structured_output_enabled"):
            names = shaped[str(node["id"])]
            schema = {"type": "object", "properties": {key: {"type": "string"} for key in names}}
            data["structured_output_enabled"] = True
            data["structured_output"] = {"schema": schema}
        if data.get("type") == "answer":
            for llm in shaped:
                data["answer"] = f"{{{{#{llm}.structured_output#}}}}"
    return document
