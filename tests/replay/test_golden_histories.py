"""Journals that were written once, on today's code: they fold to the same state, and the same
story writes the same journal. Where this fails on purpose, raise SEMANTICS_VERSION."""

import pytest

from services.engine.domain.events import journal
from services.engine.domain.execution.incompatible_history import IncompatibleHistory
from services.engine.domain.execution.run_machine import RunMachine
from tests.replay.history_files import read
from tests.replay.scenarios import SCENARIOS, Scenario
from tests.unit.engine.execution.simulated_world import RUN, TENANT


def _folded(scenario: Scenario, events: list[journal.JournalEvent]) -> RunMachine:
    machine = RunMachine(scenario.compiled(), tenant_id=TENANT, run_id=RUN)
    for event in events:
        machine.fold(event)
    return machine


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_same_story_writes_the_same_journal(name: str) -> None:
    assert SCENARIOS[name].play().events == read(name)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_history_folds_to_the_state_that_wrote_it(name: str) -> None:
    scenario = SCENARIOS[name]
    wrote = scenario.play().machine.state
    folded = _folded(scenario, read(name)).state
    assert folded.finished == wrote.finished
    assert (folded.steps, folded.exceptions) == (wrote.steps, wrote.exceptions)
    assert folded.outputs == wrote.outputs
    assert all(folded.pool.names(node) == wrote.pool.names(node) for node in scenario.nodes)
    assert (list(folded.active), list(folded.ready)) == (list(wrote.active), list(wrote.ready))


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_beginning_of_a_history_can_be_gone_on_with(name: str) -> None:
    """Today's generators ask for what the journal says was asked; otherwise this raises."""
    history = read(name)
    for kept in range(1, len(history)):
        machine = _folded(SCENARIOS[name], history[:kept])
        answered = {
            event.key
            for event in history[:kept]
            if isinstance(event, journal.EffectCompleted | journal.EffectFailed)
        }
        step = machine.resume(now=100.0)
        assert step.finished or machine.state.active
        assert not answered & {dispatch.key for dispatch in step.dispatches}


def test_a_history_of_other_requests_is_refused() -> None:
    history = read("lost_owner_and_generation")
    for event in history:
        if isinstance(event, journal.EffectDispatched):
            event.request_hash = "of something else"  # pyright: ignore[reportAttributeAccessIssue] - a forged journal
    machine = _folded(SCENARIOS["lost_owner_and_generation"], history[:-8])
    with pytest.raises(IncompatibleHistory):
        machine.resume(now=100.0)
