"""A Protocol says what, never how."""

import ast

from tests.architecture.source_tree import base_names, classes, modules, relative


def test_protocol_members_have_no_body() -> None:
    wrong = [
        f"{relative(path)}:{member.lineno} {node.name}.{member.name}"
        for path in modules()
        for node in classes(path)
        if "Protocol" in base_names(node)
        for member in node.body
        if isinstance(member, (ast.FunctionDef, ast.AsyncFunctionDef)) and not _is_empty(member)
    ]
    assert wrong == []


def _is_empty(member: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return all(
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        for statement in member.body
    )
