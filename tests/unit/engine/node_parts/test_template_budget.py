"""Templates that would take a host down are refused before they do."""

import pytest

from services.engine.domain.node_parts.templates.budget import (
    Budget,
    TemplateFailed,
    TemplateTooExpensive,
)
from services.engine.domain.node_parts.templates.template import TemplateInvalid, parse_template
from services.engine.domain.variables.values import Value

TOO_EXPENSIVE = [
    "{{ 'a' * 2000000000 }}",
    "{{ [0] * 2000000000 }}",
    "{{ 2 ** 100000000 }}",
    (
        "{% set ns = namespace(a='xxxxxxxx') %}{% for i in range(60) %}{% set ns.a = ns.a ~ ns.a %}"
        "{% endfor %}"
    ),
    (
        "{% set ns = namespace(a=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}"
        "{% endfor %}{{ ns.a }}"
    ),
    (
        "{% set ns = namespace(a=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}"
        "{% endfor %}{{ ns.a == ns.a|list }}"
    ),
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% set l = [] %}{% set _ = l.append(l) %}{{ l }}",
    "{{ '%1000000000d' % 5 }}",
    "{{ ('a' * 1000)|replace('a', 'b' * 100000) }}",
    "{{ 'a'|center(1000000000) }}",
    "{{ 'a'|indent(1000000000) }}",
    "{{ [1]|batch(1000000000, 1)|list }}",
    "{{ [1]|slice(1000000000)|list }}",
    "{% set ns = namespace(a=3) %}{% for i in range(99) %}{% set ns.a = ns.a * ns.a %}{% endfor %}",
]


@pytest.mark.parametrize("source", TOO_EXPENSIVE)
def test_expensive_templates_are_stopped(source: str) -> None:
    with pytest.raises(TemplateTooExpensive):
        parse_template(source).render({})


REFUSED = [
    "{{ range(100000000) }}",
    "{{ '{:1000000000}'.format(5) }}",
    "{{ '{0.__class__}'.format(5) }}",
    "{{ x.__class__.__mro__ }}",
    "{{ missing.name }}",
    "{% set _ = x.append(1) %}",
    "{{ x|tojson(indent=100000) }}",
    "{{ 1 / 0 }}",
]


@pytest.mark.parametrize("source", REFUSED)
def test_templates_that_reach_too_far_fail(source: str) -> None:
    given: list[Value] = [1]
    with pytest.raises(TemplateFailed):
        parse_template(source).render({"x": given})
    assert given == [1]


@pytest.mark.parametrize("source", ["{{ ''.__class__ }}", "{{ ''['__class__'] }}", "{{ x.count }}"])
def test_there_are_no_python_attributes(source: str) -> None:
    assert parse_template(source).render({"x": [1]}) == ""


UNSUPPORTED = [
    ("{{ x|attr('y') }}", "the filter 'attr'"),
    ("{{ x is callable }}", "the test 'callable'"),
    ("{{ lipsum() }}", "calling lipsum"),
    ("{{ x.ljust(9) }}", "calling ljust"),
    ("{% import 'x' as y %}", "the statement import"),
    ("{% for i in x recursive %}{% endfor %}", "a recursive loop"),
    ("{{ f(*x) }}", "calling f"),
]


@pytest.mark.parametrize(("source", "named"), UNSUPPORTED)
def test_what_is_outside_the_subset_is_named_with_its_line(source: str, named: str) -> None:
    with pytest.raises(TemplateInvalid) as caught:
        parse_template("first line\n" + source)
    assert str(caught.value) == f"line 2: {named} is not available"
    assert caught.value.code == "template_unsupported"


def test_deep_nesting_is_an_error_and_not_a_crash() -> None:
    with pytest.raises(TemplateInvalid):
        parse_template("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}")


def test_a_budget_can_be_smaller() -> None:
    template = parse_template("{% for i in range(100) %}{{ i }}{% endfor %}")
    assert len(template.render({})) == 190
    with pytest.raises(TemplateTooExpensive):
        template.render({}, Budget(steps=150))


@pytest.mark.parametrize("source", ["{{ '\\ud800' }}", "{{ '%c' % 55296 }}"])
def test_half_of_a_surrogate_pair_is_no_text(source: str) -> None:
    with pytest.raises(TemplateFailed):
        parse_template(source).render({})


def test_a_template_is_not_longer_than_its_output_may_be() -> None:
    with pytest.raises(TemplateInvalid, match="longer than"):
        parse_template("{{ x }}" * 60_000)
