"""What must hold of every accepted run once a round is over, read from the tables themselves."""

from collections import Counter
from collections.abc import Sequence

from services.engine.domain.events.journal import EffectCompleted, EffectDispatched, RunFinished
from tests.chaos.database import ChaosDatabase
from tests.chaos.load import Load
from tests.chaos.rows import CallRow, FormRow, JournalRow, RunRow
from tests.chaos.truth import Upstreams
from tests.support.settled import settled

_LEFT_SECONDS = 20.0
_ENDED = frozenset({"succeeded", "partial-succeeded"})


async def nothing_is_left(database: ChaosDatabase) -> None:
    """Wait until no run, fact, command, call or form of any round is under way. Raises
    AssertionError."""

    async def nothing() -> bool:
        return not await database.left()

    try:
        await settled(nothing, within=_LEFT_SECONDS)
    except TimeoutError:
        raise AssertionError(f"left behind: {await database.left()}") from None


async def audit_runs(database: ChaosDatabase, load: Load) -> list[RunRow]:
    """Assert it of the runs, their journals, forms and messages; returns the runs as they stand."""
    rows = await database.runs(load.run_ids)
    assert len(rows) == len(load.clients), "an accepted run is unknown to the engine"
    wanted = sorted((client.job, client.run_id) for client in load.clients)
    assert sorted((job, str(run_id)) for job, run_id in await database.jobs()) == wanted
    for row in rows:
        assert row.status in _ENDED, row
        assert row.backend_status == row.status, row
        check_journal(row, await database.journal(row.run_id))
    await _check_forms(load, await database.forms(load.run_ids))
    await _check_messages(database, load)
    return rows


def check_journal(run: RunRow, journal: Sequence[JournalRow]) -> None:
    """Numbers without a hole, owners in order, one end, nothing completed twice."""
    expected, epoch = 1, 0
    for batch in journal:
        assert batch.first_seq == expected, f"{run.run_id}: {batch.first_seq}, not {expected}"
        assert batch.last_seq - batch.first_seq + 1 == len(batch.events)
        assert batch.epoch >= epoch, f"{run.run_id}: epoch {batch.epoch} wrote after {epoch}"
        expected, epoch = batch.last_seq + 1, batch.epoch
    assert epoch <= run.epoch
    events = [event for batch in journal for event in batch.events]
    ends = [event for event in events if isinstance(event, RunFinished)]
    assert len(ends) == 1, f"{run.run_id} ended {len(ends)} times"
    assert events[-1] is ends[0], f"{run.run_id} went on after its end"
    for kind in (EffectDispatched, EffectCompleted):
        keys = Counter(event.key for event in events if isinstance(event, kind))
        doubled = [key for key, count in keys.items() if count > 1]
        assert not doubled, f"{run.run_id}: {kind.__name__} twice for {doubled}"


async def _check_forms(load: Load, forms: Sequence[FormRow]) -> None:
    """Each run that asked has one form, and its answer is the one that the run went on with."""
    asking = {client.run_id: client for client in load.clients if client.app.kind == "ask"}
    assert sorted(str(form.run_id) for form in forms) == sorted(asking)
    for form in forms:
        told = asking[str(form.run_id)].outputs["action"]
        assert (form.status, form.action) == ("submitted", told), form


async def _check_messages(database: ChaosDatabase, load: Load) -> None:
    """Each chat has one turn with the answer that its run gave."""
    chats = {client.run_id: client for client in load.clients if client.app.kind == "chat"}
    messages = await database.messages(load.run_ids)
    assert sorted(str(message.run_id) for message in messages) == sorted(chats)
    for message in messages:
        assert (message.status, message.turns) == ("normal", 1), message
        told = chats[str(message.run_id)].outputs.get("answer", message.answer)
        assert message.answer == told, message


def audit_calls(
    load: Load,
    calls: Sequence[CallRow],
    recorded: frozenset[str],
    upstreams: Upstreams,
    *,
    forgets: bool,
) -> int:
    """Nothing was asked more often than it was claimed, and nothing that was on record when it
    struck was claimed again. Where who died `forgets` claims of idempotent calls, one of these that
    was under way may have been asked once more. Returns how many calls fell into the documented
    window: their holder died, and they were made again or ended as unknown."""
    window = 0
    for call in calls:
        asked = upstreams.asked(load.client_of(call.run_id), call)
        if call.key in recorded:
            assert call.claim_number == 1, f"{call.key} was recorded and claimed again"
        if asked is not None:
            forgotten = forgets and call.effect_class == "idempotent" and call.key not in recorded
            most = call.claim_number + forgotten
            assert asked <= most, f"{call.key}: {asked} times, {call.claim_number}"
            assert asked or call.status == "failed", f"{call.key} is done and was never asked"
        unknown = call.status != "done"
        assert not unknown or call.effect_class == "unsafe", call
        window += call.claim_number - 1 + unknown
    return window
