"""Triggers: what a run that begins with one is given, and what is wrong with one before it."""

from typing import Any

import pytest

from services.engine.domain.node_parts.node_contract import BringsOthers, DeclaresOutputs
from services.engine.domain.node_parts.schedules import ScheduleWrong, check_cron, cron_of
from services.engine.domain.nodes.trigger_schedule import TriggerScheduleNode
from services.engine.domain.variables.types import ValueType
from services.engine.domain.variables.values import Value
from tests.unit.engine.node_driver import drive, parse_node

SYS: dict[str, Value] = {"user_id": "u", "timestamp": 17}
TOLD = {"sys.user_id": "u", "sys.timestamp": 17}
HOOK: dict[str, Any] = {
    "type": "trigger-webhook",
    "method": "POST",
    "content_type": "application/json",
    "headers": [{"name": "X-Token", "type": "string", "required": True}],
    "params": [{"name": "page", "type": "number", "required": False}],
    "body": [{"name": "order", "type": "object"}, {"name": "tags", "type": "array[string]"}],
    "async_mode": True,
    "status_code": 200,
    "response_body": "",
    "timeout": 30,
}


def _run(data: dict[str, Any], **inputs: Any) -> dict[str, Value]:
    return drive(parse_node(data), {"sys": SYS, "env": {"k": "v"}}, inputs=inputs).outputs


def _problems(data: dict[str, Any]) -> list[tuple[str, str | None, str]]:
    return [(each.severity, each.field, each.code) for each in parse_node(data).problems]


def test_a_webhook_gives_what_it_declares_and_the_whole_request() -> None:
    request = {
        "method": "POST",
        "headers": {"x-token": "t", "host": "h"},
        "query_params": {"page": 2, "other": "o"},
        "body": {"order": {"id": 1}},
        "files": {},
    }
    assert _run(HOOK, webhook_data=request) == {
        "X_Token": "t",
        "page": 2,
        "order": {"id": 1},
        "tags": None,
        "_webhook_raw": request,
        **TOLD,
    }


def test_a_webhook_that_was_told_nothing_gives_nulls() -> None:
    nothing: dict[str, Any] = {
        "X_Token": None,
        "page": None,
        "order": None,
        "tags": None,
        "_webhook_raw": {},
    }
    assert _run(HOOK) == {**nothing, **TOLD}


@pytest.mark.parametrize(
    ("content_type", "payload", "value"),
    [
        ("text/plain", {"body": {"raw": "hi"}}, "hi"),
        ("text/plain", {}, ""),
        ("application/octet-stream", {"body": {"raw": {"type": "document"}}}, {"type": "document"}),
        ("multipart/form-data", {"files": {"it": {"type": "image"}}}, {"type": "image"}),
        ("application/x-www-form-urlencoded", {"body": {"it": "x"}}, "x"),
    ],
)
def test_a_body_is_read_by_its_content_type(
    content_type: str, payload: dict[str, Any], value: Any
) -> None:
    kind = "file" if content_type == "multipart/form-data" else "string"
    hook = HOOK | {"content_type": content_type, "body": [{"name": "it", "type": kind}]}
    assert _run(hook, webhook_data=payload)["it"] == value


def test_a_webhooks_outputs_have_their_types() -> None:
    node = parse_node(HOOK)
    assert node.problems == ()
    assert isinstance(node, BringsOthers)
    assert dict(node.output_types) == {
        "X_Token": ValueType.STRING,
        "page": ValueType.NUMBER,
        "order": ValueType.OBJECT,
        "tags": ValueType.ARRAY_STRING,
        "_webhook_raw": ValueType.OBJECT,
    }
    assert node.doubts("sys.timestamp") is None
    assert "does not declare" in str(node.doubts("nope"))


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [("text/plain", ValueType.STRING), ("application/octet-stream", ValueType.FILE)],
)
def test_a_body_in_one_piece_has_the_type_of_its_content(
    content_type: str, kind: ValueType
) -> None:
    body: list[Any] = [{"name": "it", "type": "object"}]
    node = parse_node(HOOK | {"content_type": content_type, "body": body})
    assert isinstance(node, DeclaresOutputs)
    assert node.output_types["it"] is kind


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"method": "brew"}, ("error", "method", "unknown_method")),
        ({"content_type": "text/html"}, ("error", "content_type", "unknown_content_type")),
        ({"params": [{"type": "string"}]}, ("error", "params.0.name", "missing_field")),
        (
            {"params": [{"name": "a", "type": "secret"}]},
            ("error", "params.0.type", "unsupported_type"),
        ),
        (
            {"params": [{"name": "a", "type": "object"}]},
            ("warning", "params.0.type", "unsupported_type"),
        ),
        (
            {"body": [{"name": "a"}, {"name": "a"}]},
            ("error", "body.1.name", "duplicate_name"),
        ),
        ({"body": [{"name": "page"}]}, ("warning", "body", "hidden_output")),
        ({"body": "text"}, ("error", "body", "wrong_type")),
        ({"status_code": 500}, ("error", "status_code", "out_of_range")),
        ({"status_code": "200"}, ("error", "status_code", "wrong_type")),
        ({"async_mode": False}, ("warning", "async_mode", "unsupported")),
    ],
)
def test_what_is_wrong_with_a_webhook_is_told_by_its_field(
    changed: dict[str, Any], problem: tuple[str, str, str]
) -> None:
    assert _problems(HOOK | changed) == [problem]


def test_a_webhook_has_defaults() -> None:
    assert _problems({"type": "trigger-webhook"}) == []


def _schedule(**data: Any) -> dict[str, Any]:
    return {"type": "trigger-schedule", **data}


def test_a_schedule_gives_the_runs_variables_and_what_a_caller_sent() -> None:
    node = _schedule(mode="cron", cron_expression="0 8 * * 1-5")
    assert _run(node, why="now") == {"why": "now", **TOLD}


@pytest.mark.parametrize(
    ("data", "cron"),
    [
        ({"mode": "cron", "cron_expression": "*/5 0-6,22 L jan,3 mon-fri"}, None),
        ({"mode": "cron", "cron_expression": "@daily"}, None),
        ({"frequency": "hourly", "visual_config": {"on_minute": 7}}, "7 * * * *"),
        ({"frequency": "daily", "visual_config": {"time": "12:05 AM"}}, "5 0 * * *"),
        ({"frequency": "daily", "visual_config": {"time": "2:30 PM"}}, "30 14 * * *"),
        (
            {
                "frequency": "weekly",
                "visual_config": {"time": "9:00 AM", "weekdays": ["fri", "sun"]},
            },
            "0 9 * * 0,5",
        ),
        (
            {"frequency": "monthly", "visual_config": {"monthly_days": ["last", 15, 1]}},
            "0 0 1,15,L * *",
        ),
    ],
)
def test_a_schedule_is_a_cron_expression(data: dict[str, Any], cron: str | None) -> None:
    node = parse_node(_schedule(**data, timezone="Europe/Berlin"))
    assert node.problems == ()
    assert isinstance(node, TriggerScheduleNode)
    assert node.cron == (cron or data["cron_expression"])
    assert node.timezone == "Europe/Berlin"
    check_cron(str(node.cron))


@pytest.mark.parametrize(
    ("data", "field", "code"),
    [
        ({"mode": "moon"}, "mode", "unknown_mode"),
        ({}, "frequency", "missing_field"),
        ({"frequency": "yearly"}, "frequency", "schedule_wrong"),
        ({"mode": "cron"}, "cron_expression", "missing_field"),
        ({"mode": "cron", "cron_expression": "* * * *"}, "cron_expression", "schedule_wrong"),
        ({"frequency": "daily", "timezone": "Mars/Olympus"}, "timezone", "unknown_timezone"),
        (
            {"frequency": "hourly", "visual_config": {"on_minute": 60}},
            "visual_config.on_minute",
            "schedule_wrong",
        ),
        (
            {"frequency": "daily", "visual_config": {"time": "14:00"}},
            "visual_config.time",
            "schedule_wrong",
        ),
        (
            {"frequency": "weekly", "visual_config": {"weekdays": ["someday"]}},
            "visual_config.weekdays",
            "schedule_wrong",
        ),
        ({"frequency": "weekly"}, "visual_config.weekdays", "schedule_wrong"),
        (
            {"frequency": "monthly", "visual_config": {"monthly_days": [32]}},
            "visual_config.monthly_days",
            "schedule_wrong",
        ),
    ],
)
def test_what_is_wrong_with_a_schedule_is_told_by_its_field(
    data: dict[str, Any], field: str, code: str
) -> None:
    assert _problems(_schedule(**data)) == [("error", field, code)]


@pytest.mark.parametrize(
    "item", ["60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "5-1 * * * *",
             "*/0 * * * *", "a * * * *", "1,,2 * * * *", "L * * * *", "\N{SUPERSCRIPT TWO} * * * *"]
)  # fmt: skip
def test_fields_out_of_their_range_are_no_cron(item: str) -> None:
    with pytest.raises(ScheduleWrong, match="is no "):
        check_cron(item)


def test_an_unknown_time_is_none() -> None:
    for wrong in ("", "25:00 AM", "1:60 PM", "0:10 AM", "1 PM", None, 7):
        with pytest.raises(ScheduleWrong):
            cron_of("daily", {"time": wrong})


def test_a_plugins_event_is_passed_on_and_nothing_fires_it_yet() -> None:
    node: dict[str, Value] = {
        "type": "trigger-plugin",
        "provider_id": "org/github/github",
        "event_name": "issue_opened",
        "event_parameters": {},
        "subscription_id": "",
    }
    assert _problems(node) == [("warning", "event_name", "trigger_not_fired")]
    done = drive(parse_node(node), {"sys": SYS}, inputs={"issue": {"id": 1}})
    assert done.outputs == {"issue": {"id": 1}, **TOLD}
    assert done.result is not None
    assert done.result.metadata["trigger_info"] == {
        "provider_id": "org/github/github",
        "event_name": "issue_opened",
        "plugin_unique_identifier": "",
    }
