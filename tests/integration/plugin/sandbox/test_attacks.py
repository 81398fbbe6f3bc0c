"""Every attack is contained, and the next innocent execution works."""

import pytest

from services.plugin.domain.sandbox.execution import CodeExecution
from services.plugin.infra.sandbox.sandbox import ProcessSandbox
from tests.integration.plugin.sandbox.attack import CANARY, Attack
from tests.integration.plugin.sandbox.javascript_attacks import JAVASCRIPT_ATTACKS
from tests.integration.plugin.sandbox.python_attacks import PYTHON_ATTACKS

pytestmark = pytest.mark.asyncio(loop_scope="module")

_ALL = [*PYTHON_ATTACKS, *JAVASCRIPT_ATTACKS]


@pytest.mark.parametrize("attack", _ALL, ids=lambda each: f"{each.language}-{each.name}")
async def test_an_attack_is_contained(sandbox: ProcessSandbox, attack: Attack) -> None:
    outcome = await sandbox.run(
        CodeExecution(language=attack.language, code=attack.code, inputs={}, limits=attack.limits)
    )
    assert attack.contained(outcome), outcome
    assert CANARY not in repr(outcome)
    assert outcome.isolation == sandbox.isolation
    await _innocents_work(sandbox)


async def _innocents_work(sandbox: ProcessSandbox) -> None:
    python = await sandbox.run(
        CodeExecution(
            language="python3", code="def main(a, b):\n    return a + b", inputs={"a": 2, "b": 3}
        )
    )
    javascript = await sandbox.run(
        CodeExecution(
            language="javascript",
            code="function main({a, b}) { return a + b }",
            inputs={"a": 2, "b": 3},
        )
    )
    assert (python.status, python.result) == ("ok", 5), python
    assert (javascript.status, javascript.result) == ("ok", 5), javascript
