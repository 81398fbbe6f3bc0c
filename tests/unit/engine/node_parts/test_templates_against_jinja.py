"""The walker and Jinja2 itself, side by side on generated templates of the subset."""

import warnings
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2.sandbox import SandboxedEnvironment

from services.engine.domain.node_parts.templates.budget import TemplateFailed
from services.engine.domain.node_parts.templates.template import parse_template
from services.engine.domain.variables.values import Value

_JINJA = SandboxedEnvironment(autoescape=False)
VARIABLES: dict[str, Value] = {
    "none": None,
    "text": "Hello wOrld <b> & 'é'",
    "digits": "12",
    "empty": "",
    "n": 5,
    "f": 2.5,
    "yes": True,
    "numbers": [3, 1, 2],
    "words": ["b", "A", "c"],
    "nothing": [],
    "thing": {"b": 1, "a": {"z": "q"}},
    "rows": [{"k": 2, "v": "x"}, {"k": 1, "v": "y"}, {"k": 2}],
}
FAILED = "(failed)"

_names = st.sampled_from([*VARIABLES, "missing"])
_constants = st.sampled_from(
    ["1", "-2", "2.5", "'a'", "'x y'", "true", "none", "[]", "[1, 'b']", "{'k': 1}"]
)
_atoms = st.one_of(_names, _constants)
_plain_filters = st.sampled_from([
    "upper", "lower", "title", "capitalize", "trim", "length", "string", "escape", "first", "last",
    "join(', ')", "replace('o', '0')", "default('D')", "default('D', true)", "int", "float", "abs",
    "round(1)", "sort", "sort(reverse=true)", "unique|list", "sum", "min", "max", "reverse|list",
    "list", "tojson", "items|list", "dictsort", "map('string')|list", "map(attribute='k')|list",
    "selectattr('k', 'eq', 2)|list", "select('odd')|list", "wordcount", "batch(2)|list",
    "slice(2, 'z')|list", "urlencode", "e|e", "count",
])  # fmt: skip
_tests = st.sampled_from([
    "defined", "undefined", "none", "string", "number", "mapping", "iterable", "sequence", "even",
    "odd", "divisibleby(2)", "integer", "float", "boolean", "true", "lower", "eq(5)",
    "in([5, 'a'])",
])  # fmt: skip
_operators = st.sampled_from(
    ["+", "-", "*", "/", "//", "~", "==", "!=", "<", ">=", "and", "or", "in", "not in"]
)


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, _plain_filters).map(lambda two: f"({two[0]})|{two[1]}"),
        st.tuples(inner, _tests).map(lambda two: f"(({two[0]}) is {two[1]})"),
        st.tuples(inner, _operators, inner).map(
            lambda three: f"({three[0]} {three[1]} {three[2]})"
        ),
        inner.map(lambda one: f"(not {one})"),
        st.tuples(inner, inner, inner).map(
            lambda three: f"({three[0]} if {three[1]} else {three[2]})"
        ),
        st.tuples(_names, st.sampled_from(["k", "a", "b", "z"])).map(
            lambda two: f"{two[0]}.{two[1]}"
        ),
        st.tuples(inner, st.sampled_from(["0", "-1", "'a'", "9"])).map(
            lambda two: f"({two[0]})[{two[1]}]"
        ),
    )


_parts = st.sampled_from(["text[1:]", "numbers[::2]", "words[:-1]", "nothing[9:]"])
_atoms = st.one_of(_atoms, _parts)
_expressions = st.recursive(_atoms, _grow, max_leaves=4)
_outputs = _expressions.map(lambda one: "{{ " + one + " }}")


def _blocks(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def make(shape: str) -> Callable[[tuple[str, str, str]], str]:
        return lambda parts: (
            shape.replace("E", parts[0]).replace("A", parts[1]).replace("B", parts[2])
        )

    parts = st.tuples(_expressions, inner, inner)
    shapes = [
        "{% if E %}A{% else %}B{% endif %}",
        "{% for x in E %}{{ loop.index }}{{ loop.last }}{{ x }}A{% else %}B{% endfor %}",
        "{% for x in E if x %}A{{ x }}{% endfor %}B",
        "{% set x = E %}A{{ x }}B",
        "{% set x %}A{% endset %}{{ x }}B",
        "{% with y = E %}A{{ y }}{% endwith %}B",
        "{%- if E -%} A {%- endif %} B\n",
        "A\r\n{# E #}B\n",
    ]
    return st.one_of(inner, *(parts.map(make(shape)) for shape in shapes))


_templates = st.recursive(
    st.one_of(_outputs, st.sampled_from(["text", " ", "\n"])), _blocks, max_leaves=5
)


def _by_jinja(source: str) -> str:
    # Whatever Jinja2 raises, from its own errors to Python's, counts as one outcome.
    try:
        with warnings.catch_warnings():
            # Python warns of what Jinja2 compiles a constant's element to.
            warnings.simplefilter("ignore", SyntaxWarning)
            return _JINJA.from_string(source).render(**VARIABLES)
    except Exception:  # noqa: BLE001
        return FAILED


def _by_us(source: str) -> str:
    try:
        return parse_template(source).render(VARIABLES)
    except TemplateFailed:
        return FAILED


@settings(max_examples=400, deadline=None)
@given(_templates)
def test_the_walker_renders_what_jinja_renders(source: str) -> None:
    assert _by_us(source) == _by_jinja(source)


IDIOMS = [
    (
        "{% set ns = namespace(t=0) %}{% for i in numbers %}{% set ns.t = ns.t + i %}{% endfor %}"
        "{{ ns.t }}"
    ),
    "{% set r = [] %}{% for i in numbers %}{% set _ = r.append(i * 2) %}{% endfor %}{{ r }}",
    "{% for k, v in thing.items() %}{{ k }}{{ v }}{% endfor %}{{ thing.get('b') }}",
    "{{ thing.keys()|list }}{{ thing.values()|list }}",
    "{% for i in range(1, 9, 3) %}{{ loop.cycle('a', 'b') }}{{ loop.previtem }}{{ i }}{% endfor %}",
    (
        "{% for i in numbers %}{% for j in words %}{{ loop.index }}{{ i }}{{ j }}{% endfor %}"
        "{{ loop.revindex }}{% endfor %}"
    ),
    "{% for i in numbers %}{% set n = n + i %}{{ n }}{% endfor %}{{ n }}",
    "{{ '%05.2f|%s' | format(f, text) }}{{ '%s-%s' % ('a', n) }}{{ '{:.2f}{}'.format(f, n) }}",
    "{{ text.split()|join('|') }}{{ text.upper() }}{{ text.startswith('He') }}",
    "{% filter upper %}abc{{ text }}{% endfilter %}{% raw %}{{ y }}{% endraw %}",
    "{{ rows|map(attribute='v')|select('defined')|join(',') }}{{ rows|sum(attribute='k') }}",
    "{{ rows|sort(attribute='k')|map(attribute='k')|list }}{{ words|sort(case_sensitive=true) }}",
    "{{ 1 < n < 10 }}{{ 2 ** 3 ** 2 }}{{ -7 // 2 }}{{ 7 % 3 }}{{ (1, 'a') }}{{ dict(a=1) }}",
    "{{ text|truncate(8) }}{{ text|center(40) }}{{ text|indent(2, true) }}",
    "{{ rows|tojson(indent=2) }}{{ text|tojson }}{{ text|urlencode }}{{ thing|urlencode }}",
    "{% if missing is defined %}1{% elif n == 5 %}2{% endif %}{{ missing|default('d')|upper }}",
]


@pytest.mark.parametrize("source", IDIOMS)
def test_idioms_of_real_templates(source: str) -> None:
    rendered = _by_us(source)
    assert rendered == _by_jinja(source)
    assert rendered != FAILED
