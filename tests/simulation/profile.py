"""How many rounds are played and from which seed: seed and number replay a round exactly."""

import os
from random import Random

from tests.simulation.round import Shape

ROUNDS = int(os.environ.get("HEDDLE_SIMULATE_ROUNDS") or 8)
"""Rounds of a session."""
SEED = os.environ.get("HEDDLE_SIMULATE_SEED") or "heddle"


def seed_of(number: int) -> str:
    """Names everything that round `number` draws."""
    return f"{SEED}/{number}"


def shape_of(number: int) -> Shape:
    """How large round `number` is: from one worker to a dozen, some of them crowded."""
    chance = Random(f"{seed_of(number)}/shape")
    workers = chance.choice([1, 2, 3, 5, 12])
    return Shape(
        workers=workers,
        runs=chance.choice([10, 40, 25 * workers]),
        seconds=chance.choice([20.0, 60.0]),
        capacity=chance.choice([3, 50]),
        apps=chance.choice([1, 5, 50]),
    )
