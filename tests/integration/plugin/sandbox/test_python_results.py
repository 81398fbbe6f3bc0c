"""What Python code nodes return, print and do wrong."""

import pytest
from pydantic import JsonValue

from libs.common.errors import InvalidInput
from services.plugin.domain.sandbox.execution import (
    CodeExecution,
    ExecutionLimits,
    ExecutionOutcome,
)
from services.plugin.infra.sandbox.sandbox import ProcessSandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _run(sandbox: ProcessSandbox, code: str, **inputs: JsonValue) -> ExecutionOutcome:
    return await sandbox.run(CodeExecution(language="python3", code=code, inputs=inputs))


async def test_values_survive_exactly(sandbox: ProcessSandbox) -> None:
    value: JsonValue = {
        "int": 1, "float": 1.0, "bool": True, "none": None, "big": 10**60, "text": "zażółć 🧵",
        "nested": [[], {}, [0.1, -0.0, 1e300]], "escaped": '\x00\n"\\',
    }  # fmt: skip
    outcome = await _run(sandbox, "def main(value):\n    return {'same': value}", value=value)
    assert outcome.status == "ok"
    assert outcome.result == {"same": value}
    assert repr(outcome.result) == repr({"same": value})


async def test_output_is_kept_apart_from_the_result(sandbox: ProcessSandbox) -> None:
    code = (
        "import sys\ndef main():\n    print('out')\n    print('err', file=sys.stderr)\n    return 1"
    )
    outcome = await _run(sandbox, code)
    assert (outcome.stdout, outcome.stderr, outcome.result) == ("out\n", "err\n", 1)


async def test_a_large_output_below_the_limit_arrives_whole(sandbox: ProcessSandbox) -> None:
    outcome = await _run(sandbox, "def main():\n    print('x' * 200_000, end='')\n    return 1")
    assert (outcome.status, len(outcome.stdout)) == ("ok", 200_000)


async def test_an_error_names_the_users_own_line(sandbox: ProcessSandbox) -> None:
    code = (
        "import json\n\ndef helper(text):\n    return json.loads(text)\n\n"
        "def main():\n    return helper('{')\n"
    )
    outcome = await _run(sandbox, code)
    assert outcome.error is not None
    assert (outcome.error.type, outcome.error.line) == ("JSONDecodeError", 4)
    assert "line 7, in main\n    return helper('{')" in outcome.error.traceback
    assert "decoder.py" not in outcome.error.traceback
    assert "run_python" not in outcome.error.traceback


@pytest.mark.parametrize(
    ("code", "kind", "line", "message"),
    [
        ("def main():\n    return 1 / 0", "ZeroDivisionError", 2, "division by zero"),
        ("def main():\n    raise ValueError('no')", "ValueError", 2, "no"),
        ("x = 1\nraise KeyError('top')", "KeyError", 2, "'top'"),
        ("def main(:\n    pass", "SyntaxError", 1, "invalid syntax"),
        ("def main():\n    a = 1\n      b = 2", "IndentationError", 3, "unexpected indent"),
        ("x = 1", "MainNotFound", None, "must define a function called main"),
        ("import os\nmain = 3", "MainNotCallable", 2, "must be a function, not int"),
        ("x = 1\ndef main(a):\n    return a", "TypeError", 2, "missing 1 required"),
        ("def main():\n    return {1, 2}", "TypeError", 1, "set is not JSON serializable"),
        ("def main():\n    return float('nan')", "ValueError", 1, "NaN and Infinity"),
        ("def main():\n    return [float('inf')]", "ValueError", 1, "NaN and Infinity"),
        ("def main():\n    a = []\n    a.append(a)\n    return a", "ValueError", 1, "Circular"),
        ("def main():\n    return '\\ud800'", "InvalidResult", 1, "lone surrogate"),
        ("def main():\n    raise SystemExit(3)", "SystemExit", 2, "3"),
        ("async def main():\n    return 1", "TypeError", 1, "coroutine"),
        ("code with \x00 null", "ValueError", None, "null"),
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


async def test_a_limit_reached_in_python_names_its_line(sandbox: ProcessSandbox) -> None:
    outcome = await _run(sandbox, "def main():\n    x = 1\n    y = bytearray(1 << 40)")
    assert outcome.error is not None
    assert (outcome.limit, outcome.error.type, outcome.error.line) == ("memory", "LimitExceeded", 3)


async def test_an_endless_loop_is_found_by_its_line(sandbox: ProcessSandbox) -> None:
    code = "def spin():\n    while True:\n        pass\n\ndef main():\n    spin()"
    limits = ExecutionLimits(cpu_seconds=1)
    outcome = await sandbox.run(
        CodeExecution(language="python3", code=code, inputs={}, limits=limits)
    )
    assert outcome.error is not None
    assert (outcome.limit, outcome.error.line in (2, 3)) == ("cpu", True)


async def test_the_result_limit_is_the_callers(sandbox: ProcessSandbox) -> None:
    limits = ExecutionLimits(result_bytes=4096)
    for size, limit in ((4000, None), (5000, "result")):
        code = f"def main():\n    return 'x' * {size}"
        outcome = await sandbox.run(
            CodeExecution(language="python3", code=code, inputs={}, limits=limits)
        )
        assert outcome.limit == limit


async def test_other_limits_than_the_usual_ones_hold(sandbox: ProcessSandbox) -> None:
    limits = ExecutionLimits(memory_bytes=64 * 1024 * 1024)
    code = "def main(size):\n    return len(bytearray(size << 20))"
    small, large = [
        await sandbox.run(
            CodeExecution(language="python3", code=code, inputs={"size": size}, limits=limits)
        )
        for size in (32, 100)
    ]
    assert small.status == "ok"
    assert large.limit == "memory"


async def test_usage_is_measured(sandbox: ProcessSandbox) -> None:
    outcome = await _run(
        sandbox, "def main():\n    return len(b'x' * (64 << 20)) + sum(range(10**6))"
    )
    assert outcome.usage.peak_memory_bytes > 64 << 20
    assert 0.005 < outcome.usage.cpu_seconds < 2
    assert outcome.usage.wall_seconds > 0


async def test_common_modules_work(sandbox: ProcessSandbox) -> None:
    code = (
        "import asyncio, concurrent.futures, random, uuid, zoneinfo, datetime, sqlite3\n"
        "import xml.etree.ElementTree as tree\n"
        "def main():\n"
        "    with concurrent.futures.ThreadPoolExecutor(4) as pool:\n"
        "        total = sum(pool.map(abs, range(-3, 3)))\n"
        "    async def late():\n"
        "        await asyncio.sleep(0.001)\n"
        "        return 2\n"
        "    day = datetime.datetime(2024, 1, 1, tzinfo=zoneinfo.ZoneInfo('UTC')).isoformat()\n"
        "    return [total, asyncio.run(late()), tree.fromstring('<a>x</a>').text, day]\n"
    )
    outcome = await _run(sandbox, code)
    assert outcome.result == [9, 2, "x", "2024-01-01T00:00:00+00:00"], outcome


async def test_executions_do_not_share_randomness(sandbox: ProcessSandbox) -> None:
    code = "import random, uuid\ndef main():\n    return [random.random(), str(uuid.uuid4())]"
    first, second = [await _run(sandbox, code) for _ in range(2)]
    assert first.status == "ok"
    assert first.result != second.result


async def test_inputs_that_json_cannot_hold_are_refused(sandbox: ProcessSandbox) -> None:
    with pytest.raises(InvalidInput):
        await _run(sandbox, "def main(x):\n    return x", x=float("nan"))
