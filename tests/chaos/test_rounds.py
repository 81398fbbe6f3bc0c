"""`kill -9` of each part in turn, at a drawn moment under a mixed load, and an audit afterwards."""

import sys

import pytest

from tests.chaos.profile import SEED, Victim, rounds
from tests.chaos.recovery import Recovery
from tests.chaos.stage import Stage

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize(
    ("number", "victim"), rounds(), ids=[f"{n:03}-{name.replace(' ', '-')}" for n, name in rounds()]
)
async def test_nothing_is_lost_or_done_twice(
    stage: Stage,
    recovery: Recovery,
    capsys: pytest.CaptureFixture[str],
    number: int,
    victim: Victim,
) -> None:
    told = await stage.play(number, victim)
    recovery.rounds.append(told)
    with capsys.disabled():
        sys.stdout.write(f"\n{told.line(SEED)}\n")
