"""Builds the closures that evaluate expressions."""

from services.engine.domain.node_parts.templates import access
from services.engine.domain.node_parts.templates.budget import TemplateFailed
from services.engine.domain.node_parts.templates.methods import FUNCTIONS, find_method
from services.engine.domain.node_parts.templates.operators import (
    COMPARISONS,
    Binary,
    guarded,
)
from services.engine.domain.node_parts.templates.template_values import (
    Expression,
    FilterFunction,
    Frame,
    OwnList,
    TemplateValue,
    TestFunction,
    Undefined,
    to_text,
)


def constant(value: TemplateValue) -> Expression:
    return lambda frame: value


def name(identifier: str) -> Expression:
    return lambda frame: frame.lookup(identifier)


def binary(operation: Binary, left: Expression, right: Expression) -> Expression:
    return lambda frame: operation(frame.tools.budget, left(frame), right(frame))


def negative(operand: Expression, *, sign: int) -> Expression:
    def evaluate(frame: Frame) -> TemplateValue:
        value = operand(frame)
        if isinstance(value, Undefined):
            raise value.refuse()
        if not isinstance(value, (int, float)):
            raise TemplateFailed(
                f"bad operand type for unary: '{type(value).__name__}'", "TypeError"
            )
        return sign * value

    return evaluate


def negation(operand: Expression) -> Expression:
    return lambda frame: not operand(frame)


def both(left: Expression, right: Expression) -> Expression:
    return lambda frame: left(frame) and right(frame)


def either(left: Expression, right: Expression) -> Expression:
    return lambda frame: left(frame) or right(frame)


def comparison(first: Expression, rest: tuple[tuple[str, Expression], ...]) -> Expression:
    """`a < b <= c`: each side is evaluated once, up to the first comparison that fails."""

    def evaluate(frame: Frame) -> TemplateValue:
        left = first(frame)
        for operation, operand in rest:
            right = operand(frame)
            if not COMPARISONS[operation](frame.tools.budget, left, right):
                return False
            left = right
        return True

    return evaluate


def concatenation(parts: tuple[Expression, ...]) -> Expression:
    def evaluate(frame: Frame) -> TemplateValue:
        budget = frame.tools.budget
        texts = [to_text(budget, part(frame)) for part in parts]
        budget.produce(sum(map(len, texts)))
        return "".join(texts)

    return evaluate


def choice(test: Expression, chosen: Expression, other: Expression | None) -> Expression:
    def evaluate(frame: Frame) -> TemplateValue:
        if test(frame):
            return chosen(frame)
        return (
            Undefined("the inline if-expression had no else section and")
            if other is None
            else other(frame)
        )

    return evaluate


def listing(parts: tuple[Expression, ...]) -> Expression:
    return lambda frame: OwnList(part(frame) for part in parts)


def tupling(parts: tuple[Expression, ...]) -> Expression:
    return lambda frame: tuple(part(frame) for part in parts)


def mapping(pairs: tuple[tuple[Expression, Expression], ...]) -> Expression:
    def evaluate(frame: Frame) -> TemplateValue:
        return guarded(lambda: {key(frame): value(frame) for key, value in pairs})

    return evaluate


def attribute(subject: Expression, key: str) -> Expression:
    return lambda frame: access.attribute(subject(frame), key)


def element(subject: Expression, key: Expression) -> Expression:
    return lambda frame: access.element(subject(frame), key(frame))


def part(subject: Expression, bounds: tuple[Expression, Expression, Expression]) -> Expression:
    start, stop, step = bounds
    return lambda frame: access.part(
        frame.tools.budget, subject(frame), start(frame), stop(frame), step(frame)
    )


Arguments = tuple[tuple[Expression, ...], tuple[tuple[str, Expression], ...]]


def _evaluate(
    arguments: Arguments, frame: Frame
) -> tuple[list[TemplateValue], dict[str, TemplateValue]]:
    positional, named = arguments
    return [each(frame) for each in positional], {key: each(frame) for key, each in named}


def filtered(function: FilterFunction, subject: Expression, arguments: Arguments) -> Expression:
    def evaluate(frame: Frame) -> TemplateValue:
        value = subject(frame)
        args, named = _evaluate(arguments, frame)
        return guarded(lambda: function(frame.tools, value, *args, **named))

    return evaluate


def tested(function: TestFunction, subject: Expression, arguments: Arguments) -> Expression:
    def evaluate(frame: Frame) -> TemplateValue:
        value = subject(frame)
        args, named = _evaluate(arguments, frame)
        return guarded(lambda: function(frame.tools, value, *args, **named))

    return evaluate


def method_call(subject: Expression, method: str, arguments: Arguments) -> Expression:
    def evaluate(frame: Frame) -> TemplateValue:
        value = subject(frame)
        function = find_method(value, method)
        args, named = _evaluate(arguments, frame)
        return guarded(lambda: function(frame.tools, value, *args, **named))

    return evaluate


def function_call(identifier: str, arguments: Arguments) -> Expression:
    function = FUNCTIONS[identifier]

    def evaluate(frame: Frame) -> TemplateValue:
        shadow = frame.lookup(identifier)
        if not isinstance(shadow, Undefined):
            raise TemplateFailed(f"'{type(shadow).__name__}' object is not callable", "TypeError")
        args, named = _evaluate(arguments, frame)
        return guarded(lambda: function(frame.tools, *args, **named))

    return evaluate
