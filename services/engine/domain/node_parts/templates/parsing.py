"""From Jinja2's parsed tree to our closures. The one place that knows Jinja2, and only its parser.

Jinja2 never renders here: nothing of a template reaches Python except through what the walker
offers.
"""

from collections.abc import Callable
from typing import Any

from jinja2 import Environment, TemplateError, nodes

from services.engine.domain.node_parts.templates import expressions, operators, statements
from services.engine.domain.node_parts.templates.budget import MAX_OUTPUT
from services.engine.domain.node_parts.templates.filters import FILTERS
from services.engine.domain.node_parts.templates.methods import FUNCTIONS, METHOD_NAMES
from services.engine.domain.node_parts.templates.template_values import (
    Escaped,
    Expression,
    Statement,
    TemplateValue,
)
from services.engine.domain.node_parts.templates.tests import TESTS

_ENVIRONMENT = Environment(autoescape=False)  # noqa: S701 - it parses; nothing renders with it
_BINARY: dict[type[nodes.BinExpr], operators.Binary] = {
    nodes.Add: operators.add,
    nodes.Sub: operators.subtract,
    nodes.Mul: operators.multiply,
    nodes.Div: operators.divide,
    nodes.FloorDiv: operators.divide_whole,
    nodes.Mod: operators.modulo,
    nodes.Pow: operators.power,
}
_NO_ARGUMENTS: expressions.Arguments = ((), ())


class TemplateInvalid(ValueError):
    """`code` template_syntax: not a template; template_unsupported: outside our subset."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


def parse_statements(source: str) -> Statement:
    """The program of `source`. Raises TemplateInvalid."""
    if len(source) > MAX_OUTPUT:
        raise TemplateInvalid(f"longer than {MAX_OUTPUT} characters", "template_syntax")
    try:
        tree = _ENVIRONMENT.parse(source)
        return _block(tree.body)
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        raise TemplateInvalid(f"line {line}: {error.message}", "template_syntax") from error
    except RecursionError as error:
        raise TemplateInvalid("the template is nested too deeply", "template_syntax") from error


def _unsupported(node: nodes.Node, what: str) -> TemplateInvalid:
    return TemplateInvalid(f"line {node.lineno}: {what} is not available", "template_unsupported")


def _block(body: list[nodes.Node]) -> Statement:
    return statements.sequence(tuple(each for node in body for each in _statement(node)))


def _statement(node: nodes.Node) -> list[Statement]:
    match node:
        case nodes.Output():
            return [_output(part) for part in node.nodes]
        case nodes.If():
            return [_conditional(node)]
        case nodes.For():
            return [_loop(node)]
        case nodes.Assign():
            return [
                statements.assignment(_target(node.target), _expression(node.node), _cost(node))
            ]
        case nodes.AssignBlock():
            return [
                statements.captured(
                    _target(node.target), _block(node.body), _filter_of(node.filter)
                )
            ]
        case nodes.FilterBlock():
            return [statements.filter_block(_block(node.body), _filter_of(node.filter))]
        case nodes.With():
            pairs = tuple(
                (_target(target), _expression(value))
                for target, value in zip(node.targets, node.values, strict=True)
            )
            return [statements.scoped(pairs, _block(node.body), _cost(node))]
        case nodes.Scope():
            return [statements.scoped((), _block(node.body), 1)]
        case _:
            raise _unsupported(node, f"the statement {type(node).__name__.lower()}")


def _output(part: nodes.Expr) -> Statement:
    if isinstance(part, nodes.TemplateData):
        return statements.literal(part.data)
    return statements.output(_expression(part), _cost(part))


def _cost(node: nodes.Node) -> int:
    """Steps for what the node evaluates itself: its own expressions, not its nested blocks."""
    return 1 + sum(1 for _ in node.find_all(nodes.Expr))


def _conditional(node: nodes.If) -> Statement:
    tests = [node.test, *(branch.test for branch in node.elif_)]
    bodies = [node.body, *(branch.body for branch in node.elif_)]
    branches = tuple(
        (_expression(test), _block(body)) for test, body in zip(tests, bodies, strict=True)
    )
    return statements.conditional(branches, _block(node.else_), sum(map(_cost, tests)))


def _loop(node: nodes.For) -> Statement:
    if node.recursive:
        raise _unsupported(node, "a recursive loop")
    return statements.loop(
        _target(node.target),
        _expression(node.iter),
        None if node.test is None else _expression(node.test),
        _block(node.body),
        _block(node.else_),
        1 if node.test is None else _cost(node.test),
    )


def _target(node: nodes.Node) -> statements.Target:
    match node:
        case nodes.Name():
            return statements.name_target(node.name)
        case nodes.NSRef():
            return statements.namespace_target(node.name, node.attr)
        case nodes.Tuple():
            return statements.unpacking_target(tuple(_target(item) for item in node.items))
        case _:
            raise _unsupported(node, f"assigning to {type(node).__name__.lower()}")


def _filter_of(node: nodes.Filter | None) -> Callable[[Expression], Expression]:
    """The chain of filters around a block's text."""
    if node is None:
        return lambda text: text
    return lambda text: _filtered(node, text)


def _filtered(node: nodes.Filter, innermost: Expression) -> Expression:
    inner = node.node
    subject = _filtered(inner, innermost) if isinstance(inner, nodes.Filter) else innermost
    return expressions.filtered(_filter(node), subject, _arguments(node))


def _filter(node: nodes.Filter) -> Callable[..., TemplateValue]:
    function = FILTERS.get(node.name)
    if function is None:
        raise _unsupported(node, f"the filter {node.name!r}")
    return function


def _expression(node: nodes.Node) -> Expression:
    build = _EXPRESSIONS.get(type(node))
    if build is not None:
        return build(node)
    if isinstance(node, nodes.BinExpr) and type(node) in _BINARY:
        operation = _BINARY[type(node)]
        return expressions.binary(operation, _expression(node.left), _expression(node.right))
    match node:
        case nodes.And():
            return expressions.both(_expression(node.left), _expression(node.right))
        case nodes.Or():
            return expressions.either(_expression(node.left), _expression(node.right))
        case nodes.Not():
            return expressions.negation(_expression(node.node))
        case nodes.Neg():
            return expressions.negative(_expression(node.node), sign=-1)
        case nodes.Pos():
            return expressions.negative(_expression(node.node), sign=1)
        case _:
            raise _unsupported(node, f"the expression {type(node).__name__.lower()}")


def _each(items: list[nodes.Expr]) -> tuple[Expression, ...]:
    return tuple(_expression(item) for item in items)


def _compare(node: nodes.Compare) -> Expression:
    rest = tuple((operand.op, _expression(operand.expr)) for operand in node.ops)
    return expressions.comparison(_expression(node.expr), rest)


def _choice(node: nodes.CondExpr) -> Expression:
    other = None if node.expr2 is None else _expression(node.expr2)
    return expressions.choice(_expression(node.test), _expression(node.expr1), other)


def _mapping(node: nodes.Dict) -> Expression:
    pairs = tuple((_expression(pair.key), _expression(pair.value)) for pair in node.items)
    return expressions.mapping(pairs)


def _item(node: nodes.Getitem) -> Expression:
    subject = _expression(node.node)
    if not isinstance(node.arg, nodes.Slice):
        return expressions.element(subject, _expression(node.arg))
    nothing = expressions.constant(None)
    start, stop, step = (
        nothing if bound is None else _expression(bound)
        for bound in (node.arg.start, node.arg.stop, node.arg.step)
    )
    return expressions.part(subject, (start, stop, step))


def _filter_expression(node: nodes.Filter) -> Expression:
    if node.node is None:
        raise _unsupported(node, "a filter of nothing")
    return expressions.filtered(_filter(node), _expression(node.node), _arguments(node))


def _test_expression(node: nodes.Test) -> Expression:
    function = TESTS.get(node.name)
    if function is None:
        raise _unsupported(node, f"the test {node.name!r}")
    return expressions.tested(function, _expression(node.node), _arguments(node))


def _call(node: nodes.Call) -> Expression:
    callee = node.node
    if isinstance(callee, nodes.Name) and callee.name in FUNCTIONS:
        return expressions.function_call(callee.name, _arguments(node))
    if isinstance(callee, nodes.Getattr) and callee.attr in METHOD_NAMES:
        return expressions.method_call(_expression(callee.node), callee.attr, _arguments(node))
    called = callee.attr if isinstance(callee, nodes.Getattr) else getattr(callee, "name", "this")
    raise _unsupported(node, f"calling {called}")


def _arguments(node: nodes.Filter | nodes.Test | nodes.Call) -> expressions.Arguments:
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        raise _unsupported(node, "an unpacked argument")
    if not node.args and not node.kwargs:
        return _NO_ARGUMENTS
    named = tuple(
        (each.key, _expression(each.value))
        for each in node.kwargs
        if isinstance(each, nodes.Keyword)
    )
    return _each(node.args), named


def _constant(node: nodes.Const) -> Expression:
    return expressions.constant(node.value)


def _text(node: nodes.TemplateData) -> Expression:
    return expressions.constant(Escaped(node.data))


# Each builder takes the class it stands under, which a dictionary's type cannot say.
_EXPRESSIONS: dict[type[nodes.Node], Callable[[Any], Expression]] = {
    nodes.Const: _constant,
    nodes.TemplateData: _text,
    nodes.Name: lambda node: expressions.name(node.name),
    nodes.Concat: lambda node: expressions.concatenation(_each(node.nodes)),
    nodes.Compare: _compare,
    nodes.CondExpr: _choice,
    nodes.List: lambda node: expressions.listing(_each(node.items)),
    nodes.Tuple: lambda node: expressions.tupling(_each(node.items)),
    nodes.Dict: _mapping,
    nodes.Getattr: lambda node: expressions.attribute(_expression(node.node), node.attr),
    nodes.Getitem: _item,
    nodes.Filter: _filter_expression,
    nodes.Test: _test_expression,
    nodes.Call: _call,
}

__all__ = ["TemplateInvalid", "parse_statements"]
