"""Builds the closures that execute statements. Each writes its text to `out`."""

from collections.abc import Callable

from services.engine.domain.node_parts.templates.budget import TemplateFailed
from services.engine.domain.node_parts.templates.template_values import (
    Expression,
    Frame,
    LoopState,
    Namespace,
    Statement,
    TemplateValue,
    to_items,
    to_text,
)

Target = Callable[[Frame, TemplateValue], None]


def sequence(statements: tuple[Statement, ...]) -> Statement:
    if len(statements) == 1:
        return statements[0]

    def execute(frame: Frame, out: list[str]) -> None:
        for statement in statements:
            statement(frame, out)

    return execute


def literal(text: str) -> Statement:
    def execute(frame: Frame, out: list[str]) -> None:
        frame.tools.budget.produce(len(text))
        out.append(text)

    return execute


def output(expression: Expression, cost: int) -> Statement:
    """`cost` in steps stands for everything inside the expression that is not counted itself."""

    def execute(frame: Frame, out: list[str]) -> None:
        budget = frame.tools.budget
        budget.spend(cost)
        text = to_text(budget, expression(frame))
        budget.produce(len(text))
        out.append(text)

    return execute


def conditional(
    branches: tuple[tuple[Expression, Statement], ...], otherwise: Statement, cost: int
) -> Statement:
    def execute(frame: Frame, out: list[str]) -> None:
        frame.tools.budget.spend(cost)
        for test, body in branches:
            if test(frame):
                body(frame, out)
                return
        otherwise(frame, out)

    return execute


def loop(
    target: Target,
    items: Expression,
    test: Expression | None,
    body: Statement,
    otherwise: Statement,
    cost: int,
) -> Statement:
    def execute(frame: Frame, out: list[str]) -> None:
        budget = frame.tools.budget
        found = to_items(budget, items(frame))
        if test is not None:
            found = [item for item in found if _holds(test, target, item, frame, cost)]
        if not found:
            otherwise(Frame(frame.tools, {}, frame), out)
            return
        state = LoopState(found)
        for index, item in enumerate(found):
            budget.spend(cost)
            state.index0 = index
            inner = Frame(frame.tools, {"loop": state}, frame)
            target(inner, item)
            body(inner, out)

    return execute


def _holds(test: Expression, target: Target, item: TemplateValue, frame: Frame, cost: int) -> bool:
    frame.tools.budget.spend(cost)
    inner = Frame(frame.tools, {}, frame)
    target(inner, item)
    return bool(test(inner))


def assignment(target: Target, value: Expression, cost: int) -> Statement:
    def execute(frame: Frame, out: list[str]) -> None:
        frame.tools.budget.spend(cost)
        target(frame, value(frame))

    return execute


def captured(
    target: Target, body: Statement, change: Callable[[Expression], Expression]
) -> Statement:
    """`{% set x %}...{% endset %}`; `change` puts the block's filter around its text."""

    def execute(frame: Frame, out: list[str]) -> None:
        target(frame, change(_text_of(body, Frame(frame.tools, {}, frame)))(frame))

    return execute


def filter_block(body: Statement, change: Callable[[Expression], Expression]) -> Statement:
    def execute(frame: Frame, out: list[str]) -> None:
        budget = frame.tools.budget
        text = to_text(budget, change(_text_of(body, Frame(frame.tools, {}, frame)))(frame))
        budget.produce(len(text))
        out.append(text)

    return execute


def _text_of(body: Statement, inner: Frame) -> Expression:
    def evaluate(frame: Frame) -> TemplateValue:
        pieces: list[str] = []
        body(inner, pieces)
        return "".join(pieces)

    return evaluate


def scoped(
    assignments: tuple[tuple[Target, Expression], ...], body: Statement, cost: int
) -> Statement:
    """`{% with %}`: values are read outside, names live inside."""

    def execute(frame: Frame, out: list[str]) -> None:
        frame.tools.budget.spend(cost)
        inner = Frame(frame.tools, {}, frame)
        values = [value(frame) for _, value in assignments]
        for (target, _), value in zip(assignments, values, strict=True):
            target(inner, value)
        body(inner, out)

    return execute


def name_target(identifier: str) -> Target:
    def assign(frame: Frame, value: TemplateValue) -> None:
        frame.names[identifier] = value

    return assign


def namespace_target(identifier: str, attribute: str) -> Target:
    def assign(frame: Frame, value: TemplateValue) -> None:
        namespace = frame.lookup(identifier)
        if not isinstance(namespace, Namespace):
            raise TemplateFailed(
                "cannot assign attribute on non-namespace object", "TemplateRuntimeError"
            )
        namespace.names[attribute] = value

    return assign


def unpacking_target(targets: tuple[Target, ...]) -> Target:
    def assign(frame: Frame, value: TemplateValue) -> None:
        values = to_items(frame.tools.budget, value)
        if len(values) != len(targets):
            raise TemplateFailed(
                f"expected {len(targets)} values to unpack, got {len(values)}", "ValueError"
            )
        for target, item in zip(targets, values, strict=True):
            target(frame, item)

    return assign
