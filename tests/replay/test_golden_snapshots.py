"""Snapshots that were stored once, on today's code: folding still builds the same, and they can be
gone on from. Where this fails on purpose, raise FOLD_VERSION and record the new version's."""

import pytest

from services.engine.domain.execution.run_snapshot import FOLD_VERSION
from services.engine.infra.snapshot_codec import decode_snapshot
from tests.replay import history_files
from tests.replay.scenarios import SCENARIOS
from tests.replay.snapshot_files import Follower, made_today, read


@pytest.mark.parametrize("name", SCENARIOS)
def test_folding_builds_what_it_built(name: str) -> None:
    assert made_today(name) == read(name)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_rest_of_a_history_follows_from_a_snapshot(name: str) -> None:
    events = history_files.read(name)
    whole = Follower(name)
    whole.fold(events, 1)
    for place, line in enumerate(read(name), 1):
        stored = decode_snapshot(line, fold_version=FOLD_VERSION)
        assert stored is not None
        assert stored.seq == place
        later = Follower(name)
        later.machine.restore(stored.machine)
        later.view.restore(stored.view)
        later.fold(events[place:], place + 1)
        assert later.told == whole.told[place:]
        assert later.encoded(len(events)) == whole.encoded(len(events))


def test_the_golden_ones_hold_what_a_run_can_have_under_way() -> None:
    lines = [line for name in SCENARIOS for line in read(name)]
    found = [decode_snapshot(line, fold_version=FOLD_VERSION) for line in lines]
    states = [each.machine.state for each in found if each is not None]
    under_way = [progress for state in states for progress in state.active]
    assert any(progress.dispatched for progress in under_way)
    assert any(progress.results for progress in under_way)
    assert any(progress.retry_due is not None for progress in under_way)
    assert any(state.announced for state in states)
    responses = [each for state in states for *_, each in state.coordinator.frames]
    assert any(each.streams for each in responses)
    assert any(each.spoken for each in responses)
    assert any(line.held for state in states for line in state.coordinator.lines)
    assert any(frame.pool is None for state in states for frame in state.frames)
    assert any(progress.rounds and progress.rounds.failures for progress in under_way)
    assert any(state.coordinator.active for state in states)
    assert any(state.stopped for state in states)
