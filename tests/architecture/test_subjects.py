"""Subjects come from the catalogue, never from a string at the call site."""

import ast
import re

from tests.architecture.source_tree import modules, relative, tree

CATALOGUE = "libs/common/contracts/subjects.py"
VERBS = {"request", "stream", "broadcast", "listen", "enqueue", "serve", "serve_stream", "consume"}
KINDS = {"Subject", "StreamSubject", "Broadcast", "DurableSubject"}
SUBJECT = re.compile(r"^[a-z_]+(\.[a-z_*>{}]+)+$")


def test_no_literal_subjects() -> None:
    wrong = [
        f"{relative(path)}:{node.lineno}"
        for path in modules()
        if relative(path) != CATALOGUE
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and (_names_a_subject(node) or _makes_a_subject(node))
    ]
    assert wrong == []


def _names_a_subject(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in VERBS or not call.args:
        return False
    first = call.args[0]
    match first:
        case ast.Constant(value=str(text)):
            return SUBJECT.match(text) is not None
        case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]):
            return SUBJECT.match(text.rstrip(".")) is not None
        case _:
            return False


def _makes_a_subject(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id in KINDS
