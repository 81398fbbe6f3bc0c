"""The cases in `graphs/`: `<name>.yml` is an app, `<name>.cases.yml` what it must do."""

import base64
from pathlib import Path
from typing import Any

import yaml

from tests.conformance.case import Case, Expected, Upload
from tests.support.scripted_upstream import Answer
from tests.support.scripted_web import WebReply

GRAPHS = Path(__file__).parent / "graphs"


def own_cases() -> list[Case]:
    """Every case, in file order."""
    return [case for path in sorted(GRAPHS.glob("*.cases.yml")) for case in _read(path)]


def _read(path: Path) -> list[Case]:
    name = path.name.removesuffix(".cases.yml")
    document = yaml.safe_load((GRAPHS / f"{name}.yml").read_text())
    return [_case(name, document, entry) for entry in yaml.safe_load(path.read_text())]


def _case(graph: str, document: Any, entry: dict[str, Any]) -> Case:
    web = entry.get("web", {})
    return Case(
        name=f"{graph}::{entry['name']}",
        document=document,
        inputs=entry.get("inputs", {}),
        query=entry.get("query", ""),
        models={node: Answer(**answer) for node, answer in entry.get("models", {}).items()},
        web=WebReply(
            status=web.get("status", 200),
            body=str(web.get("body", "")).encode(),
            headers=web.get("headers", {}),
        ),
        uploads={name: _upload(**given) for name, given in entry.get("uploads", {}).items()},
        expected=Expected(**entry["expected"]),
    )


def _upload(
    filename: str, mime_type: str, text: str = "", encoded: str = "", *, several: bool = False
) -> Upload:
    content = base64.b64decode(encoded) if encoded else text.encode()
    return Upload(filename=filename, mime_type=mime_type, content=content, several=several)
