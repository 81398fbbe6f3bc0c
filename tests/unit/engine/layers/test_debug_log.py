"""The debug log tells what happened, and never a secret."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.engine.domain.events.journal import EVENT_TYPES, JournalEvent, NodeSucceeded
from services.engine.domain.execution.run_state import RunState
from services.engine.domain.graph.node_labels import NodeLabel
from services.engine.domain.layers.debug_log import LONGEST, DebugLog, Detail
from services.engine.domain.layers.layer import ObservedRun
from services.engine.domain.variables.secret_mask import SecretMask
from tests.unit.engine.execution.machine_nodes import workflow
from tests.unit.engine.execution.simulated_world import RUN, TENANT

SECRET = "swordfish"


def _run(mask: SecretMask | None = None) -> ObservedRun:
    return ObservedRun(
        tenant_id=TENANT,
        run_id=RUN,
        app_id=UUID(int=1),
        workflow_hash="hash",
        scope="",
        epoch=2,
        takeovers=0,
        traceparent=None,
        labels={"a": NodeLabel(type="llm", title="A")},
        mask=mask,
    )


def _succeeded(outputs: dict[str, Any]) -> NodeSucceeded:
    return NodeSucceeded(
        at=3.0,
        node_id="a",
        frame="",
        outputs=outputs,
        handle="source",
        inputs={},
        process_data={},
        metadata={},
        started_at=1.0,
    )


def _line(
    detail: Detail, event: JournalEvent, mask: SecretMask | None = None
) -> Mapping[str, object]:
    lines: list[Mapping[str, object]] = []
    ear = DebugLog(detail, lines.append).listener(_run(mask))
    assert ear is not None
    ear.hear(7, event, RunState(workflow({"begin": {"type": "begin"}}, ())))
    (line,) = lines
    return line


def test_it_is_off_unless_asked_for() -> None:
    assert DebugLog("off", lambda _: None).listener(_run()) is None


def test_events_are_told_without_what_they_hold() -> None:
    line = _line("events", _succeeded({"text": SECRET}))
    assert line["kind"] == "NodeSucceeded"
    assert (line["seq"], line["node_id"], line["node_type"], line["at"]) == (7, "a", "llm", 3.0)
    assert (line["run_id"], line["tenant_id"], line["epoch"]) == (str(RUN), str(TENANT), 2)
    assert SECRET not in repr(line)


def test_values_are_told_on_demand() -> None:
    assert _line("values", _succeeded({"text": "hi"}))["outputs"] == '{"text": "hi"}'


def test_values_never_show_a_secret() -> None:
    line = _line("values", _succeeded({"text": f"is {SECRET}!"}), SecretMask([SECRET]))
    assert SECRET not in repr(line)
    assert "is " in str(line["outputs"])


def test_secrets_that_nobody_knows_hide_every_value() -> None:
    line = _line("values", _succeeded({"text": "anything"}), SecretMask(None))
    assert "anything" not in repr(line)


def test_a_cut_leaves_no_half_of_a_secret() -> None:
    text = "x" * (LONGEST - 15) + SECRET
    line = _line("values", _succeeded({"t": text}), SecretMask([SECRET]))
    assert SECRET[:3] not in repr(line)
    assert f"({LONGEST}" not in str(line["outputs"])
    assert len(str(line["outputs"])) < LONGEST + 40


def test_every_kind_of_event_is_heard() -> None:
    ear = DebugLog("events", lambda _: None).listener(_run())
    assert ear is not None
    assert set(ear.hears) == set(EVENT_TYPES)
