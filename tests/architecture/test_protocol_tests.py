"""The page that says which test keeps which rule names tests that exist."""

import ast
import re

from tests.architecture.source_tree import ROOT, text

PAGE = ROOT / "docs/protocol_tests.md"
NAMED = re.compile(r"`([a-z_/]+\.py)::(test_[a-z0-9_]+)`")


def test_every_rule_names_a_test_that_exists() -> None:
    wrong: list[str] = []
    for line in _rules():
        named = NAMED.findall(line)
        if not named:
            wrong.append(f"no test: {line}")
        wrong += [f"{file}::{name}" for file, name in named if name not in _tests_of(file)]
    assert wrong == []


def test_the_page_has_rules() -> None:
    assert len(_rules()) > 50


def _rules() -> list[str]:
    """The lines of its tables, save their heads."""
    lines = [line for line in text(PAGE).splitlines() if line.startswith("|")]
    return [line for line in lines if not line.startswith(("| rule |", "|---"))]


def _tests_of(file: str) -> set[str]:
    path = ROOT / "tests" / file
    if not path.exists():
        return set()
    return {
        node.name
        for node in ast.parse(text(path)).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
