"""Runs that ask people: parked, answered, woken; and what is refused without harm."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.common.contracts.run_commands import (
    AbortRun,
    CommandAccepted,
    PauseRun,
    ResumeRun,
    UpdateVariables,
    VariableUpdate,
)
from libs.common.errors import HeddleError, InvalidInput
from libs.common.identifiers import uuid7
from libs.common.messaging.in_memory_bus import InMemoryBus
from services.engine.app.errors import (
    FormActionUnknown,
    FormChanged,
    FormInputRefused,
    FormSubmitted,
    FormUnknown,
    FormWithdrawn,
)
from services.engine.app.ports.command_store import SentCommand
from tests.support.engine_callees import Callees
from tests.support.engine_harness import (
    TENANT,
    Cluster,
    eventually,
    in_memory_cluster,
    with_worker,
)
from tests.support.engine_nodes import chain, form

PASS = {"type": "pass"}


async def _asked(cluster: Cluster, *nodes: dict[str, Any]) -> UUID:
    asked = await cluster.asked(chain(*nodes))
    await cluster.replicas[0].engine.use_cases.accept.execute(asked)
    return asked.run_id


async def _parked(cluster: Cluster, *nodes: dict[str, Any]) -> UUID:
    run_id = await _asked(cluster, *(nodes or (form(), PASS)))
    await cluster.parked(run_id)
    return run_id


async def _send(cluster: Cluster, command: SentCommand | ResumeRun) -> CommandAccepted:
    use = cluster.replicas[-1].engine.use_cases.command
    if isinstance(command, ResumeRun):
        return await use.resume(command)
    return await use.send(command)


def _to(run_id: UUID) -> dict[str, Any]:
    return {"tenant_id": TENANT, "run_id": run_id, "command_id": uuid7()}


async def test_a_parked_run_is_driven_by_nobody_and_goes_on_once_answered(cluster: Cluster) -> None:
    run_id = await _parked(cluster)
    assert cluster.replicas[0].engine.worker.under_way() == 0
    (shown,) = await cluster.forms(run_id)
    assert (await cluster.answer(shown.form_id)).run_status == "queued"
    assert (await cluster.ended(run_id)).status == "succeeded"
    kinds = [event.kind for event in await cluster.events(run_id)]
    at = kinds.index("human_input_required")
    assert kinds[at : at + 5] == [
        "human_input_required",
        "run_paused",
        "run_resumed",
        "human_input_filled",
        "node_finished",
    ]


async def test_a_run_shows_itself_parked_as_soon_as_it_says_that_it_paused(
    cluster: Cluster,
) -> None:
    run_id = await _asked(cluster, form())

    async def paused() -> bool:
        return any(event.kind == "run_paused" for event in await cluster.events(run_id))

    await eventually(paused)
    assert (await cluster.view(run_id)).status == "parked"


async def test_of_two_answers_at_once_one_is_taken_and_the_run_is_well(cluster: Cluster) -> None:
    run_id = await _parked(cluster)
    (shown,) = await cluster.forms(run_id)
    done = await asyncio.gather(
        *(cluster.answer(shown.form_id) for _ in range(5)), return_exceptions=True
    )
    refused = [each for each in done if isinstance(each, BaseException)]
    assert len(refused) == 4
    assert all(isinstance(each, FormSubmitted) and each.status == 412 for each in refused)
    assert (await cluster.ended(run_id)).status == "succeeded"


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"action": "sell"}, FormActionUnknown),
        ({"action": "__timeout"}, FormActionUnknown),
        ({"inputs": {}}, FormInputRefused),
        ({"inputs": {"why": 7}}, FormInputRefused),
        ({"tenant_id": uuid4()}, FormUnknown),
        ({"app_id": uuid4()}, FormUnknown),
        ({"digest": "0" * 64}, FormChanged),
    ],
)
async def test_a_wrong_answer_is_refused_and_harms_nothing(
    cluster: Cluster, wrong: dict[str, Any], error: type[HeddleError]
) -> None:
    run_id = await _parked(cluster)
    (shown,) = await cluster.forms(run_id)
    with pytest.raises(error) as refused:
        await cluster.answer(shown.form_id, **wrong)
    assert 400 <= refused.value.status < 500
    assert (await cluster.view(run_id)).status == "parked"
    await cluster.answer(shown.form_id, digest=shown.digest)
    assert (await cluster.ended(run_id)).status == "succeeded"


async def test_an_answer_to_a_run_that_was_stopped_is_refused(cluster: Cluster) -> None:
    run_id = await _parked(cluster)
    (shown,) = await cluster.forms(run_id)
    assert (await _send(cluster, AbortRun(**_to(run_id)))).accepted
    assert (await cluster.ended(run_id)).status == "stopped"
    with pytest.raises(FormWithdrawn):
        await cluster.answer(shown.form_id)
    assert await cluster.forms(run_id) == []


async def test_a_paused_run_parks_once_its_call_is_recorded(
    cluster: Cluster, callees: Callees
) -> None:
    callees.gate.clear()
    run_id = await _asked(cluster, {"type": "compute", "code": "a"}, PASS)
    await asyncio.wait_for(callees.arrived.wait(), 5)
    assert (await _send(cluster, PauseRun(**_to(run_id)))).accepted
    callees.gate.set()
    await cluster.parked(run_id)
    kinds = [type(entry.event).__name__ for entry in await cluster.journal(run_id)]
    assert kinds[-2:] == ["EffectCompleted", "RunParked"]
    told = await _send(cluster, ResumeRun(**_to(run_id)))
    assert (told.accepted, told.run_status) == (True, "queued")
    assert (await cluster.ended(run_id)).status == "succeeded"
    assert (await _send(cluster, ResumeRun(**_to(run_id)))).accepted is False


async def test_a_run_that_is_paused_before_anybody_drives_it_begins_nothing(
    bus: InMemoryBus,
) -> None:
    async with in_memory_cluster(bus) as cluster:
        await cluster.replica(with_worker(capacity=0))
        run_id = await _asked(cluster, PASS)
        assert (await _send(cluster, PauseRun(**_to(run_id)))).accepted
        await cluster.replica(serve=False)
        await cluster.parked(run_id)
        kinds = [type(entry.event).__name__ for entry in await cluster.journal(run_id)]
        assert kinds == ["RunStarted", "CommandApplied", "RunParked"]
        assert (await _send(cluster, ResumeRun(**_to(run_id)))).accepted
        assert (await cluster.ended(run_id)).status == "succeeded"


async def test_a_command_whose_wake_up_is_lost_is_found_by_the_sweep(
    cluster: Cluster, callees: Callees
) -> None:
    callees.gate.clear()
    run_id = await _asked(cluster, {"type": "compute", "code": "a"}, PASS)
    await asyncio.wait_for(callees.arrived.wait(), 5)
    stores = cluster.replicas[0].stores
    await stores.commands.add(PauseRun(**_to(run_id)))

    async def drained() -> bool:
        return await stores.commands.undrained(TENANT, run_id) == []

    await eventually(drained)
    callees.gate.set()
    await cluster.parked(run_id)
    await stores.commands.resume(ResumeRun(**_to(run_id)))
    assert (await cluster.ended(run_id)).status == "succeeded"


async def test_variables_of_a_parked_run_are_changed_and_it_stays_parked(cluster: Cluster) -> None:
    run_id = await _parked(cluster)
    update = VariableUpdate(selector=("n0", "said"), value="else")
    await _send(cluster, UpdateVariables(**_to(run_id), updates=(update,)))

    async def journalled() -> bool:
        kinds = [type(entry.event).__name__ for entry in await cluster.journal(run_id)]
        return kinds[-1] == "CommandApplied"

    await eventually(journalled)
    await cluster.parked(run_id)
    assert (await cluster.events(run_id))[-1].kind == "run_paused"
    pinned = UpdateVariables(
        **_to(run_id), updates=(VariableUpdate(selector=("env", "KEY"), value=1),)
    )
    with pytest.raises(InvalidInput):
        await _send(cluster, pinned)


async def test_a_finished_run_takes_no_command(cluster: Cluster) -> None:
    run_id = await _asked(cluster, PASS)
    await cluster.ended(run_id)
    for command in (PauseRun(**_to(run_id)), ResumeRun(**_to(run_id)), AbortRun(**_to(run_id))):
        told = await _send(cluster, command)
        assert (told.accepted, told.run_status) == (False, "succeeded")
