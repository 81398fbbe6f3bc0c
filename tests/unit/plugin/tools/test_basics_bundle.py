from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import JsonValue

from libs.common.clock import Alarm
from libs.common.contracts.tool_call import ToolCall, ToolQuery, ToolResult
from services.plugin.app.tools.call_tool import CallTool, ListTools
from services.plugin.domain.errors import BundleInvalid, ToolFailed, ToolInputInvalid, ToolUnknown
from services.plugin.infra.tools.bundle_tools import BundleTools

_BUNDLES = Path(__file__).parents[4] / "services" / "plugin" / "bundles"
_NOW = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)


class _FixedClock:
    def now(self) -> datetime:
        return _NOW

    def time(self) -> float:
        return self.now().timestamp()

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        pass

    def call_later(self, seconds: float, call: Callable[[], None]) -> Alarm:
        raise AssertionError("nobody sets an alarm here")


class _SilentLog:
    def info(self, event: str, **values: JsonValue) -> None:
        pass


@pytest.fixture(scope="module")
def tools() -> BundleTools:
    return BundleTools(_BUNDLES)


async def _call(tools: BundleTools, tool: str, **arguments: JsonValue) -> ToolResult:
    use_case = CallTool(tools=tools, clock=_FixedClock(), log=_SilentLog())
    return await use_case.run(ToolCall(tool=tool, arguments=arguments))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("(2 + 3) * 4", 20),
        ("-7 // 2", -4),
        ("2 ** 10 % 1000", 24),
        ("max(1, sqrt(16), abs(-3))", 4.0),
        ("2 ** -1", 0.5),
    ],
)
async def test_the_calculator_calculates(tools: BundleTools, expression: str, value: float) -> None:
    result = await _call(tools, "basics/calculator", expression=expression)
    assert result.data == {"value": value}


@pytest.mark.parametrize(
    "expression",
    ["1/0", "9**9**9", "__import__('os')", "(1).__class__", "'a' * 3", "1e308 * 10", "abs(1, 2)"],
)
async def test_what_is_not_arithmetic_is_refused_and_never_run(
    tools: BundleTools, expression: str
) -> None:
    with pytest.raises(ToolFailed):
        await _call(tools, "basics/calculator", expression=expression)


async def test_the_time_is_told_in_the_asked_zone(tools: BundleTools) -> None:
    result = await _call(tools, "basics/current_time", timezone="Asia/Tokyo")
    assert result.data == {
        "iso": "2026-03-04T21:30:00+09:00",
        "timezone": "Asia/Tokyo",
        "weekday": "Wednesday",
        "unix": int(_NOW.timestamp()),
    }


async def test_the_time_is_written_as_asked_under_its_other_name(tools: BundleTools) -> None:
    asked: dict[str, JsonValue] = {"timezone": "UTC", "format": "%Y-%m-%d %H:%M:%S"}
    result = await _call(tools, "time/current_time", **asked)
    assert result.text == "2026-03-04 12:30:00"


async def test_json_text_becomes_its_value(tools: BundleTools) -> None:
    result = await _call(tools, "builtin/json_parse", json_string='{"key": [1, "é"]}')
    assert result == ToolResult(text='{"key": [1, "é"]}', data={"result": {"key": [1, "é"]}})


@pytest.mark.parametrize("text", ["{", "NaN", "[" * 100_000])
async def test_what_is_no_json_is_refused(tools: BundleTools, text: str) -> None:
    with pytest.raises(ToolFailed, match="no JSON"):
        await _call(tools, "basics/json_parse", json_string=text)


async def test_an_unknown_zone_is_the_callers_mistake(tools: BundleTools) -> None:
    with pytest.raises(ToolFailed, match="Europe/Berlin"):
        await _call(tools, "basics/current_time", timezone="Mars/Base")


async def test_arguments_are_checked_before_the_handler_runs(tools: BundleTools) -> None:
    with pytest.raises(ToolInputInvalid, match="expression") as refused:
        await _call(tools, "basics/calculator", expression=7)
    assert refused.value.details[0].pointer == "/expression"


async def test_an_unknown_tool_names_its_nearest(tools: BundleTools) -> None:
    with pytest.raises(ToolUnknown, match="basics/calculator"):
        await _call(tools, "basics/calculater")


async def test_tools_are_listed_with_their_schemas(tools: BundleTools) -> None:
    listed = await ListTools(tools).run(ToolQuery(bundle="basics"))
    assert [(tool.id, tool.also_known_as) for tool in listed.tools] == [
        ("basics/calculator", ("maths/eval_expression",)),
        ("basics/current_time", ("time/current_time",)),
        ("basics/json_parse", ("builtin/json_parse",)),
    ]


def test_a_name_belongs_to_one_tool(tmp_path: Path) -> None:
    bundle = tmp_path / "odd"
    bundle.mkdir()
    (bundle / "bundle.yaml").write_text("id: odd\ntitle: O\ndescription: o\ntools: [one, two]\n")
    for name in ("one", "two"):
        sheet = (_BUNDLES / "basics" / "calculator.yaml").read_text()
        (bundle / f"{name}.yaml").write_text(sheet.replace("id: calculator", f"id: {name}"))
        (bundle / f"{name}.py").write_text("async def run(arguments, context): ...\n")
    with pytest.raises(BundleInvalid, match="maths/eval_expression"):
        BundleTools(tmp_path)


def test_a_broken_bundle_is_reported_with_file_and_field(tmp_path: Path) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "bundle.yaml").write_text("id: odd\ntitle: Odd\ntools: []\n")
    with pytest.raises(BundleInvalid, match=r"bundle\.yaml: description"):
        BundleTools(tmp_path)
