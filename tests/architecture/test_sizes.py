"""Modules and functions that a person can hold in the head."""

import ast

from tests.architecture.source_tree import files, modules, relative, text, tree

MODULE_LINES = 400
FUNCTION_LINES = 60


def test_no_module_is_too_long() -> None:
    long = {
        relative(path): lines
        for path in files()
        if path.suffix == ".py" and (lines := text(path).count("\n")) > MODULE_LINES
    }
    assert long == {}


def test_no_function_is_too_long() -> None:
    long = {
        f"{relative(path)}:{node.name}": lines
        for path in modules()
        if "/migrations/" not in relative(path)
        for node in ast.walk(tree(path))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
        # A function that only makes routes or nested handlers is as long as they are many.
        and not any(
            isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)) for inner in node.body
        )
    }
    assert long == {}
