"""`kill -9` of an engine with fifty runs under way."""

import asyncio

import pytest

from tests.chaos.profile import rounds
from tests.chaos.recovery import Recovery
from tests.chaos.stage import Round, Stage

pytestmark = pytest.mark.timeout(300)


async def _kill_and_start_again(round_: Round) -> None:
    engine = round_.platform.replica("engine", round_.rng.randrange(_engines(round_)))
    round_.strike()
    engine.kill()
    await round_.start_again(engine)


def _engines(round_: Round) -> int:
    return len(round_.platform.replicas["engine"])


@pytest.mark.parametrize("number", rounds(5 / 12))
async def test_runs_survive_the_death_of_their_engine(
    stage: Stage, recovery: Recovery, number: int
) -> None:
    result = await stage.play("engine killed", number, _kill_and_start_again)
    _every_call_was_made_once(stage, result.round)
    recovery.add("engine killed", recovered=result.claimed_again(), ended=result.ended())


@pytest.mark.parametrize("number", rounds(2 / 12))
async def test_another_replica_takes_the_runs_of_a_dead_engine(
    stage: Stage, recovery: Recovery, number: int
) -> None:
    second = await asyncio.to_thread(stage.platform.add, "engine")
    try:
        result = await stage.play("engine of two killed", number, _kill_and_start_again)
    finally:
        stage.platform.replicas["engine"].remove(second)
        await asyncio.to_thread(second.child.stop)
    _every_call_was_made_once(stage, result.round)
    recovery.add("engine of two killed", recovered=result.claimed_again(), ended=result.ended())


def _every_call_was_made_once(stage: Stage, round_: Round) -> None:
    # Calls survive the engine at inference: not even one under way is repeated.
    repeated = {
        prompt: count for prompt, count in round_.load.calls(stage.upstream).items() if count != 1
    }
    assert not repeated
