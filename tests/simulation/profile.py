"""What a session plays, and from which seed: seed and number replay a round exactly."""

import os
from random import Random

from tests.simulation.round import Shape

RUNS = int(os.environ.get("HEDDLE_SIMULATE_RUNS") or 0)
"""Runs of a session of large rounds, 0 for a session of small ones."""
WORKERS = int(os.environ.get("HEDDLE_SIMULATE_WORKERS") or 2000)
"""Workers of a large round."""
ROUNDS = int(os.environ.get("HEDDLE_SIMULATE_ROUNDS") or 8)
"""Rounds of a session of small ones."""
SEED = os.environ.get("HEDDLE_SIMULATE_SEED") or "heddle"
_LARGE_RUNS = 50_000
"""Runs of a large round at the most: what is known of them lies in memory until its end."""
_RUNS_A_SECOND = 1000


def seed_of(number: int) -> str:
    """Names everything that round `number` draws."""
    return f"{SEED}/{number}"


def shapes() -> list[Shape]:
    """How large each round of the session is, from number 1 on."""
    if not RUNS:
        return [shape_of(number) for number in range(1, ROUNDS + 1)]
    rounds = -(-RUNS // _LARGE_RUNS)
    return [_large(RUNS // rounds + (number < RUNS % rounds)) for number in range(rounds)]


def shape_of(number: int) -> Shape:
    """How large the small round `number` is: from one worker to a dozen, some of them crowded."""
    chance = Random(f"{seed_of(number)}/shape")
    workers = chance.choice([1, 2, 3, 5, 12])
    return Shape(
        workers=workers,
        runs=chance.choice([10, 40, 25 * workers]),
        seconds=chance.choice([20.0, 60.0]),
        capacity=chance.choice([3, 50]),
        apps=chance.choice([1, 5, 50]),
    )


def _large(runs: int) -> Shape:
    return Shape(
        workers=WORKERS,
        runs=runs,
        seconds=runs / _RUNS_A_SECOND,
        capacity=50,
        apps=200,
        light=0.95,
        # All of them together look often enough.
        sweep=10.0,
    )
