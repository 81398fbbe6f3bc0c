"""What makes two effects the same one, and what an attempt leaves when it is closed."""

from libs.common.contracts.code_execution import CodeCall
from libs.common.identifiers import uuid7, uuid7_millis
from services.engine.domain.execution.effect_keys import child_run_id, request_hash
from services.engine.domain.execution.node_driver import NodeDriver
from services.engine.domain.execution.node_progress import NodeProgress
from services.engine.domain.node_parts.effects import RunCode
from services.engine.domain.node_parts.node_contract import NodeResult, NodeRun


def _code(inputs: dict[str, object], *, seconds: float = 1.0) -> RunCode:
    call = CodeCall.model_validate({"language": "python3", "code": "x", "inputs": inputs})
    return RunCode(call=call, timeout_seconds=seconds)


def test_a_request_is_known_by_what_it_asks_for_alone() -> None:
    asked = _code({"a": 1, "b": {"c": 2, "d": 3}})
    again = _code({"b": {"d": 3, "c": 2}, "a": 1}, seconds=60.0)
    assert request_hash(asked) == request_hash(again)
    assert request_hash(asked) != request_hash(_code({"a": 1, "b": {"c": 2, "d": 4}}))


def test_a_called_run_is_of_its_callers_time() -> None:
    caller = uuid7()
    called = child_run_id(caller, "t/r/n/-/0/0")
    assert (called.version, uuid7_millis(called)) == (7, uuid7_millis(caller))
    assert called == child_run_id(caller, "t/r/n/-/0/0") != child_run_id(caller, "t/r/n/-/1/0")


def test_what_a_node_asks_for_while_it_is_closed_is_not_executed() -> None:
    def run() -> NodeRun:
        try:
            yield _code({})
        finally:
            yield _code({"too": "late"})
        return NodeResult(outputs={})

    begun = NodeProgress(node=0, node_id="n", index=1, predecessor=None, started_at=0.0)
    driver = NodeDriver(run(), begun, key_of=str)
    assert driver.advance() is None
    (asked,) = driver.waiting
    driver.close()
    assert (driver.waiting, driver.calls) == ((asked,), 1)
