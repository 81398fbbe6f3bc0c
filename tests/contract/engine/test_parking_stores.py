"""Commands, forms, parking and timers: one suite, in memory and over Postgres."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4, uuid5

import pytest

from libs.common.contracts.form_deliveries import EmailDelivery, FormOpened, WebhookDelivery
from libs.common.contracts.forms import (
    FormAction,
    FormField,
    FormQuery,
    FormsQuery,
    HumanForm,
    SubmitForm,
    form_digest,
)
from libs.common.contracts.run_commands import (
    AbortRun,
    AnswerForm,
    PauseRun,
    ResumeRun,
    TimerDue,
    UpdateVariables,
    VariableUpdate,
)
from libs.common.identifiers import uuid7
from services.engine.app.errors import FormUnknown, RunUnknown
from services.engine.app.ports.journal_store import Verdict
from services.engine.app.ports.parking_store import Parked
from services.engine.app.ports.run_store import FIRST_GROUP, Claim
from services.engine.app.runs.run_started import run_started
from services.engine.domain.execution.step import OpenForm, Timer
from tests.support.engine_stores import (
    DEFINITION,
    HASH,
    EngineStores,
    finish,
    in_memory_stores,
    postgres_stores,
    request,
)

TENANT = UUID("00000000-0000-7000-8000-000000000001")
FAR = 4e9
FORM = HumanForm(
    title="Approve",
    content="Really? \0 {{#$output.why#}}",
    fields=(FormField(name="why"),),
    actions=(FormAction(id="yes", title="Yes"),),
)


@pytest.fixture(params=["memory", "postgres"])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[EngineStores]:
    if request.param == "memory":
        async with in_memory_stores() as made:
            await _prepared(made)
            yield made
    else:
        async with postgres_stores(request.getfixturevalue("migrated_database")) as made:
            await _prepared(made)
            yield made


async def _prepared(stores: EngineStores) -> None:
    await stores.workflows.put(TENANT, HASH, DEFINITION)
    for worker in stores.workers:
        await stores.leases.beat(worker, seconds=30.0)


async def _claimed(stores: EngineStores) -> Claim:
    accepted = await stores.runs.accept(request(TENANT), worker=stores.workers[0])
    assert accepted.claim is not None
    return accepted.claim


async def _status(stores: EngineStores, claim: Claim) -> str:
    return (await stores.runs.find(TENANT, claim.run_id)).status


async def _park(stores: EngineStores, claim: Claim, *timers: Timer) -> Parked:
    return await stores.parking.park(stores.workers[0], claim, timers, ())


def _pause(claim: Claim) -> PauseRun:
    return PauseRun(tenant_id=TENANT, run_id=claim.run_id, command_id=uuid7())


def _resume(claim: Claim) -> ResumeRun:
    return ResumeRun(tenant_id=TENANT, run_id=claim.run_id, command_id=uuid7())


async def _opened(stores: EngineStores, claim: Claim, *, key: str = "k", due: float = FAR) -> UUID:
    form = OpenForm(
        form_id=uuid5(claim.run_id, key), key=key, node_id="n", frame="", form=FORM, due=due
    )
    assert await stores.forms.open(claim, form, FORM)
    assert await stores.forms.open(claim, form, FORM)
    return form.form_id


def _answer(form_id: UUID, **more: object) -> SubmitForm:
    answer = SubmitForm(
        tenant_id=TENANT,
        form_id=form_id,
        command_id=uuid7(),
        action="yes",
        inputs={"why": "so \0"},
        actor="ann",
    )
    return answer.model_copy(update=more)


async def test_a_parked_run_is_nobodys_and_a_command_queues_it(stores: EngineStores) -> None:
    claim = await _claimed(stores)
    assert await _park(stores, claim) is Parked.PARKED
    assert await _park(stores, claim) is Parked.PARKED
    assert await _status(stores, claim) == "parked"
    assert await stores.runs.claim_orphaned(stores.workers[1], driven=[], most=9) == []
    assert await stores.write(claim, 1, [run_started(claim.request, now=1.0)]) is Verdict.LOST
    pause = _pause(claim)
    assert await stores.commands.add(pause) == (True, "queued", 1)
    assert await stores.commands.add(pause) == (True, "queued", 1)
    groups = await stores.runs.queued_groups(after=FIRST_GROUP, most=9)
    (again,) = await stores.runs.claim_queued(stores.workers[1], groups)
    assert (again.epoch, again.takeovers) == (2, 0)
    assert await stores.commands.undrained(TENANT, claim.run_id) == [pause]
    assert await _park(stores, claim) is Parked.LOST


async def test_a_run_with_commands_is_not_parked_before_they_are_drained(
    stores: EngineStores,
) -> None:
    claim = await _claimed(stores)
    first, second = _pause(claim), _resume(claim)
    await stores.commands.add(first)
    park = stores.parking.park
    owner = stores.workers[0]
    assert await park(owner, claim, (), ()) is Parked.COMMANDED
    assert await stores.commands.resume(second) == (True, "running", 1)
    assert await park(owner, claim, (), (first.command_id,)) is Parked.COMMANDED
    assert await stores.commands.undrained(TENANT, claim.run_id) == [second]
    await stores.commands.drained(TENANT, claim.run_id, [second.command_id])
    assert await stores.commands.commanded_runs(owner) == []
    assert await park(owner, claim, (), ()) is Parked.PARKED


async def test_every_command_keeps_what_it_says(stores: EngineStores) -> None:
    claim = await _claimed(stores)
    sent = [
        AbortRun(tenant_id=TENANT, run_id=claim.run_id, command_id=uuid7(), reason="enough\0"),
        UpdateVariables(
            tenant_id=TENANT,
            run_id=claim.run_id,
            command_id=uuid7(),
            updates=(VariableUpdate(selector=("n", "x"), value={"a": [None, "\0"]}),),
        ),
        _pause(claim),
    ]
    for command in sent:
        assert (await stores.commands.add(command)).applied
    assert await stores.commands.undrained(TENANT, claim.run_id) == sent


async def test_a_run_that_has_ended_takes_no_command(stores: EngineStores) -> None:
    claim = await _claimed(stores)
    form_id = await _opened(stores, claim)
    await finish(stores, claim)
    assert await stores.commands.add(_pause(claim)) == (False, "succeeded", 1)
    assert await stores.commands.resume(_resume(claim)) == (False, "succeeded", 1)
    assert await stores.commands.undrained(TENANT, claim.run_id) == []
    assert (await stores.forms.submit(_answer(form_id))).verdict == "over"
    found = await stores.forms.find(FormQuery(tenant_id=TENANT, form_id=form_id))
    assert found.status == "withdrawn"
    with pytest.raises(RunUnknown):
        await stores.commands.add(_pause(claim).model_copy(update={"run_id": uuid7()}))


async def test_only_a_paused_run_is_resumed(stores: EngineStores) -> None:
    claim = await _claimed(stores)
    assert (await stores.commands.resume(_resume(claim))).applied is False
    await stores.commands.add(_pause(claim))
    resume = _resume(claim)
    assert (await stores.commands.resume(resume)).applied
    assert (await stores.commands.resume(resume)).applied
    assert (await stores.commands.resume(_resume(claim))).applied is False


async def test_a_form_is_answered_once_by_whoever_is_first(stores: EngineStores) -> None:
    claim = await _claimed(stores)
    form_id = await _opened(stores, claim)
    assert await _park(stores, claim) is Parked.PARKED
    answers = [_answer(form_id, actor=name) for name in ("ann", "bob", "cy")]
    done = await asyncio.gather(*map(stores.forms.submit, answers))
    verdicts = [each.verdict for each in done]
    assert sorted(verdicts) == ["submitted", "submitted", "taken"]
    winner = answers[verdicts.index("taken")]
    assert (await stores.forms.submit(winner)).verdict == "taken"
    (command,) = await stores.commands.undrained(TENANT, claim.run_id)
    assert isinstance(command, AnswerForm)
    assert (command.command_id, command.key) == (winner.command_id, "k")
    assert command.answer.inputs == {"why": "so \0"}
    assert await _status(stores, claim) == "queued"
    found = await stores.forms.find(FormQuery(tenant_id=TENANT, form_id=form_id))
    assert (found.status, found.actor, found.action) == ("submitted", winner.actor, "yes")
    assert found.acted_at is not None
    assert found.acted_at >= found.opened_at
    assert (found.inputs, found.form, found.digest) == (winner.inputs, FORM, form_digest(FORM))
    assert await stores.parking.fire_due(9) == []


async def test_a_form_belongs_to_its_tenant_and_its_app(stores: EngineStores) -> None:
    claim = await _claimed(stores)
    form_id = await _opened(stores, claim)
    for more in ({"tenant_id": uuid4()}, {"app_id": uuid4()}, {"form_id": uuid4()}):
        with pytest.raises(FormUnknown):
            await stores.forms.submit(_answer(form_id).model_copy(update=more))
        query = FormQuery(tenant_id=TENANT, form_id=form_id).model_copy(update=more)
        with pytest.raises(FormUnknown):
            await stores.forms.find(query)
    own = FormQuery(tenant_id=TENANT, form_id=form_id, app_id=claim.request.app_id)
    assert (await stores.forms.find(own)).status == "open"


async def test_forms_are_told_newest_first(stores: EngineStores) -> None:
    claim, other = await _claimed(stores), await _claimed(stores)
    ids = [await _opened(stores, claim, key=f"k{place}") for place in range(3)]
    theirs = await _opened(stores, other)
    await stores.forms.submit(_answer(ids[0]))
    listed = stores.forms.list
    of_run = FormsQuery(tenant_id=TENANT, run_id=claim.run_id)
    assert [form.form_id for form in await listed(of_run)] == ids[::-1]
    before = of_run.model_copy(update={"before": ids[2], "limit": 1})
    assert [form.form_id for form in await listed(before)] == [ids[1]]
    still = FormsQuery(tenant_id=TENANT, status="open")
    assert [form.form_id for form in await listed(still)] == [theirs, ids[2], ids[1]]
    of_app = FormsQuery(tenant_id=TENANT, app_id=other.request.app_id)
    assert [form.form_id for form in await listed(of_app)] == [theirs]
    assert await listed(FormsQuery(tenant_id=uuid4())) == []


async def test_a_form_whose_time_is_up_becomes_a_command(stores: EngineStores) -> None:
    claim = await _claimed(stores)
    late, far = await _opened(stores, claim, due=1.0), await _opened(stores, claim, key="far")
    assert (await stores.forms.submit(_answer(late))).verdict == "expired"
    assert await _park(stores, claim) is Parked.PARKED
    (woken,) = await stores.parking.fire_due(9)
    assert woken == (TENANT, claim.run_id, "queued", 1)
    assert await stores.parking.fire_due(9) == []
    (command,) = await stores.commands.undrained(TENANT, claim.run_id)
    assert isinstance(command, TimerDue)
    assert (command.timer, command.ref) == ("form", "k")
    assert (await stores.forms.submit(_answer(late))).verdict == "expired"
    assert (await stores.forms.submit(_answer(far))).verdict == "taken"


async def test_two_sweeps_at_once_fire_a_timer_once(stores: EngineStores) -> None:
    claims = [await _claimed(stores) for _ in range(4)]
    for claim in claims:
        await _opened(stores, claim, due=1.0)
    found = await asyncio.gather(*(stores.parking.fire_due(9) for _ in range(3)))
    found.append(await stores.parking.fire_due(9))
    woken = [run.run_id for sweep in found for run in sweep]
    assert sorted(woken) == sorted(claim.run_id for claim in claims)
    for claim in claims:
        assert len(await stores.commands.undrained(TENANT, claim.run_id)) == 1


async def test_a_parked_runs_own_timers_are_kept_until_it_is_parked_anew(
    stores: EngineStores,
) -> None:
    claim = await _claimed(stores)
    due, later = Timer(timer_id="w1", due=1.0), Timer(timer_id="w2", due=FAR)
    assert await _park(stores, claim, due, later) is Parked.PARKED
    (woken,) = await stores.parking.fire_due(9)
    assert (woken.run_id, woken.status) == (claim.run_id, "queued")
    (command,) = await stores.commands.undrained(TENANT, claim.run_id)
    assert isinstance(command, TimerDue)
    assert (command.timer, command.ref) == ("wait", "w1")


async def test_a_form_that_was_taken_back_cannot_be_answered(stores: EngineStores) -> None:
    claim = await _claimed(stores)
    form_id = await _opened(stores, claim, due=1.0)
    await stores.forms.withdraw(TENANT, claim.run_id, [form_id])
    assert (await stores.forms.submit(_answer(form_id))).verdict == "withdrawn"
    assert await stores.parking.fire_due(9) == []
    assert await stores.commands.undrained(TENANT, claim.run_id) == []


async def test_who_is_told_of_a_form_is_kept_with_it(stores: EngineStores) -> None:
    claim = await _claimed(stores)
    told = (
        EmailDelivery(to="ann@example.com", subject="Look \0", body=("at ", "!")),
        WebhookDelivery(url="https://example.com/hook"),
    )
    form = OpenForm(form_id=uuid4(), key="k", node_id="n", frame="", form=FORM, due=FAR)
    assert await stores.forms.open(claim, form, FORM, told)
    assert await stores.forms.open(claim, form, FORM, told)
    found = FormQuery(tenant_id=TENANT, form_id=form.form_id, app_id=claim.request.app_id)
    assert await stores.forms.deliveries(found) == told
    nobody = await _opened(stores, claim, key="nobody")
    assert await stores.forms.deliveries(FormQuery(tenant_id=TENANT, form_id=nobody)) == ()
    for more in ({"tenant_id": uuid4()}, {"app_id": uuid4()}, {"form_id": uuid4()}):
        with pytest.raises(FormUnknown):
            await stores.forms.deliveries(found.model_copy(update=more))
    fact = FormOpened(
        tenant_id=TENANT,
        run_id=claim.run_id,
        app_id=claim.request.app_id,
        form_id=form.form_id,
    )
    assert await stores.facts() == [fact]


async def test_a_stale_owner_opens_no_form(stores: EngineStores) -> None:
    claim = await _claimed(stores)
    handed = await stores.runs.hand_over(stores.workers[0], claim, to=stores.workers[1])
    assert handed is not None
    form = OpenForm(form_id=uuid4(), key="k", node_id="n", frame="", form=FORM, due=FAR)
    told = (WebhookDelivery(url="https://example.com"),)
    assert await stores.forms.open(claim, form, FORM, told) is False
    assert await stores.facts() == []
    assert await stores.forms.open(handed, form, FORM) is True
