"""`kill -9` of the backend with fifty clients: they come back, and nothing was lost or doubled."""

import pytest

from tests.chaos.profile import rounds
from tests.chaos.recovery import Recovery
from tests.chaos.stage import Round, Stage

pytestmark = pytest.mark.timeout(300)


async def _kill_and_start_again(round_: Round) -> None:
    backend = round_.platform.replica("backend")
    round_.strike()
    backend.kill()
    await round_.start_again(backend)


@pytest.mark.parametrize("number", rounds(1 / 12))
async def test_runs_belong_to_no_connection(stage: Stage, recovery: Recovery, number: int) -> None:
    result = await stage.play("backend killed", number, _kill_and_start_again, patient=True)
    asked = result.round.load.calls(stage.upstream)
    assert set(asked.values()) == {1}, "a call was doubled"
    recovery.add("backend killed", recovered=[], ended=result.ended())
