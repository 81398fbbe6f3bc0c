"""What JavaScript code nodes return, print and do wrong."""

import pytest
from pydantic import JsonValue

from services.plugin.domain.sandbox.execution import CodeExecution, ExecutionOutcome
from services.plugin.infra.sandbox.sandbox import ProcessSandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")

_TIMER = """
const timers = require('timers/promises');
async function main({a, b}) { await timers.setTimeout(1); return {sum: a + b} }
"""
_LATE = """function main() {
  setTimeout(() => {
    throw new Error('x')
  }, 1)
  return new Promise(() => {})
}"""


async def _run(sandbox: ProcessSandbox, code: str, **inputs: JsonValue) -> ExecutionOutcome:
    return await sandbox.run(CodeExecution(language="javascript", code=code, inputs=inputs))


@pytest.mark.parametrize(
    "code",
    [
        "function main({a, b}) { return {sum: a + b} }",
        "const main = ({a, b}) => ({sum: a + b})",
        "async function main({a, b}) { await null; return {sum: a + b} }",
        _TIMER,
        "var main = function (inputs) { return {sum: inputs.a + inputs.b} }",
    ],
)
async def test_main_is_called_with_one_object(sandbox: ProcessSandbox, code: str) -> None:
    outcome = await _run(sandbox, code, a=2, b=3)
    assert (outcome.status, outcome.result) == ("ok", {"sum": 5}), outcome


async def test_values_survive(sandbox: ProcessSandbox) -> None:
    value: JsonValue = {"n": 1.5, "t": True, "z": None, "s": "zażółć 🧵", "l": [[], {}]}
    outcome = await _run(sandbox, "const main = ({value}) => ({same: value})", value=value)
    assert outcome.result == {"same": value}


async def test_output_is_kept_apart_from_the_result(sandbox: ProcessSandbox) -> None:
    code = "function main() { console.log('out', {a: 1}); console.error('err'); return 1 }"
    outcome = await _run(sandbox, code)
    assert (outcome.stdout, outcome.stderr, outcome.result) == ("out { a: 1 }\n", "err\n", 1)


async def test_a_large_output_below_the_limit_arrives_whole(sandbox: ProcessSandbox) -> None:
    code = (
        "function main() { for (let i = 0; i < 200; i++) console.log('x'.repeat(999)); return 1 }"
    )
    outcome = await _run(sandbox, code)
    assert (outcome.status, len(outcome.stdout)) == ("ok", 200_000)


@pytest.mark.parametrize(
    ("code", "kind", "line", "message"),
    [
        ("function main() {\n  return null.x\n}", "TypeError", 2, "Cannot read properties"),
        ("const f = () => {\n  throw RangeError('no')\n}\nconst main = f", "RangeError", 2, "no"),
        ("let a = 1\nlet b = ;\nfunction main() {}", "SyntaxError", 2, "Unexpected token"),
        ("async function main() {\n  await null\n  throw new Error('late')\n}", "Error", 3, "late"),
        (_LATE, "Error", 3, "x"),
        ("function other() {}", "MainNotFound", None, "must define a function called main"),
        ("const main = 3", "MainNotCallable", None, "must be a function, not number"),
        ("const main = () => 1n", "TypeError", None, "BigInt"),
        ("const main = () => { const a = {}; a.a = a; return a }", "TypeError", None, "circular"),
        ("const main = () => ({x: NaN})", "InvalidResult", None, "NaN"),
        ("const main = () => '\\ud800'", "InvalidResult", None, "not valid Unicode"),
        ("const main = () => { throw 'plain' }", "Error", None, "threw plain"),
    ],
)  # fmt: skip
async def test_mistakes_are_clear(
    sandbox: ProcessSandbox, code: str, kind: str, line: int | None, message: str
) -> None:
    outcome = await _run(sandbox, code)
    assert outcome.status == "error"
    assert outcome.error is not None
    assert (outcome.error.type, outcome.error.line) == (kind, line), outcome.error
    assert message in outcome.error.message
    assert "run_javascript" not in outcome.error.traceback


async def test_nothing_returned_is_null(sandbox: ProcessSandbox) -> None:
    outcome = await _run(sandbox, "function main() {}")
    assert (outcome.status, outcome.result) == ("ok", None)
