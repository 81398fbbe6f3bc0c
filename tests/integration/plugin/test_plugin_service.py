"""The whole service in this process, asked over a real NATS."""

import asyncpg
import pytest

from libs.common.contracts.code_execution import CodeCall
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.http_call import FormBody, FormField, HttpCall
from libs.common.contracts.run_commands import RunEnded
from libs.common.contracts.subjects import CALL_TOOL, FETCH_HTTP, RUN_CODE, RUN_ENDED
from libs.common.contracts.tool_call import ToolCall
from libs.common.errors import NotFound
from libs.common.guarded_http.egress_errors import EgressRefused
from libs.common.identifiers import uuid7
from libs.common.keyed_calls.ledger import RequestMismatch, RunAlreadyEnded, StaleEpoch
from libs.common.object_store.open_store import open_object_store
from tests.integration.plugin.conftest import SECONDS, World
from tests.support.databases import FreshDatabase
from tests.support.scripted_web import WebReply


async def test_code_runs_and_its_result_keeps_its_types(world: World) -> None:
    call = CodeCall(
        language="python3",
        code="def main(a, b):\n    return {'sum': a + b, 'half': a / 2, 'flag': a > b}",
        inputs={"a": 3, "b": 4},
    )
    result = await world.bus.request(RUN_CODE, call, envelope=world.envelope("0"), timeout=SECONDS)
    assert result.status == "ok"
    assert result.result == {"sum": 7, "half": 1.5, "flag": False}


async def test_a_recorded_request_is_not_sent_again(world: World) -> None:
    world.web.script = lambda _: WebReply(status=201, body=b'{"id": 7}')
    call = HttpCall(
        method="POST",
        url="http://api.example.test/orders",
        body=FormBody(fields=(FormField(name="item", value="tea & toast"),)),
    )
    envelope = world.envelope("0", "unsafe")
    first = await world.bus.request(FETCH_HTTP, call, envelope=envelope, timeout=SECONDS)
    again = await world.bus.request(FETCH_HTTP, call, envelope=envelope, timeout=SECONDS)
    assert first == again
    assert first.status_code == 201
    (asked,) = world.web.asked
    assert asked.body == b"item=tea+%26+toast"
    assert envelope.effect is not None
    assert asked.headers["idempotency-key"] == envelope.effect.key


async def test_a_key_with_another_request_is_an_error(world: World) -> None:
    call = ToolCall(tool="basics/calculator", arguments={"expression": "1+1"})
    await world.bus.request(CALL_TOOL, call, envelope=world.envelope("0"), timeout=SECONDS)
    other = world.envelope("0", request_hash="other")
    with pytest.raises(RequestMismatch):
        await world.bus.request(CALL_TOOL, call, envelope=other, timeout=SECONDS)


async def test_a_former_owner_of_the_run_is_refused(world: World) -> None:
    call = ToolCall(tool="basics/calculator", arguments={"expression": "1+1"})
    newer = world.envelope("0", epoch=2)
    await world.bus.request(CALL_TOOL, call, envelope=newer, timeout=SECONDS)
    with pytest.raises(StaleEpoch):
        await world.bus.request(CALL_TOOL, call, envelope=world.envelope("1"), timeout=SECONDS)


async def test_an_ended_run_makes_no_more_calls(world: World) -> None:
    ended = RunEnded(
        tenant_id=world.tenant_id,
        run_id=world.run_id,
        app_id=uuid7(),
        epoch=1,
        status="succeeded",
        created_at=0.0,
        finished_at=1.0,
    )
    tenant = Envelope(tenant_id=world.tenant_id)
    await world.bus.enqueue(RUN_ENDED, ended, envelope=tenant, message_id=str(uuid7()))
    with pytest.raises(RunAlreadyEnded):
        await _call_until_refused(world)


async def _call_until_refused(world: World) -> None:
    call = ToolCall(tool="basics/calculator", arguments={"expression": "1+1"})
    for number in range(1000):
        envelope = world.envelope(str(number))
        await world.bus.request(CALL_TOOL, call, envelope=envelope, timeout=SECONDS)


async def test_a_private_address_is_refused(world: World) -> None:
    call = HttpCall(method="GET", url=f"http://{world.web.http}/secret")
    with pytest.raises(EgressRefused):
        await world.bus.request(FETCH_HTTP, call, envelope=world.envelope("0"), timeout=SECONDS)
    assert not world.web.asked


async def test_an_answer_that_is_no_text_becomes_an_object(
    world: World, object_store_url: str
) -> None:
    world.web.script = lambda _: WebReply(body=b"\x89PNG", headers={"content-type": "image/png"})
    call = HttpCall(method="GET", url="http://api.example.test/picture")
    result = await world.bus.request(
        FETCH_HTTP, call, envelope=world.envelope("0"), timeout=SECONDS
    )
    assert result.is_file
    assert result.text == ""
    assert result.object_key is not None
    assert await open_object_store(object_store_url).get(result.object_key) == b"\x89PNG"


async def test_a_tools_sheet_says_whether_it_may_be_repeated(
    world: World, migrated_database: FreshDatabase
) -> None:
    call = ToolCall(tool="maths/eval_expression", arguments={"expression": "1+1"})
    envelope = world.envelope("0", "unsafe")
    result = await world.bus.request(CALL_TOOL, call, envelope=envelope, timeout=SECONDS)
    assert result.data == {"value": 2}
    connection = await asyncpg.connect(migrated_database.url)
    try:
        async with connection.transaction():
            await connection.execute(
                "select set_config('heddle.tenants', $1, true)", str(world.tenant_id)
            )
            kinds = await connection.fetch("select effect_class from plugin.call_claims")
    finally:
        await connection.close()
    assert [kind["effect_class"] for kind in kinds] == ["idempotent"]


async def test_an_unknown_tool_is_a_failure_on_record(world: World) -> None:
    call = ToolCall(tool="google/google_search")
    with pytest.raises(NotFound, match="no tool `google/google_search`") as refused:
        await world.bus.request(CALL_TOOL, call, envelope=world.envelope("0"), timeout=SECONDS)
    assert refused.value.code == "tool_unknown"
    assert refused.value.extra.get("recorded")
