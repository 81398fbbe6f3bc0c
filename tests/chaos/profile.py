"""How long the chaos goes on and from which seed: one seed replays every choice of a round."""

import os
import random
import secrets
from typing import Literal

from tests.chaos.graphs import Kind

Victim = Literal[
    "engine", "inference", "plugin", "backend", "nats", "redis", "postgres", "frozen engine"
]
VICTIMS: tuple[Victim, ...] = (
    "engine",
    "inference",
    "plugin",
    "backend",
    "nats",
    "redis",
    "postgres",
    "frozen engine",
)
ROUNDS = int(os.environ.get("HEDDLE_CHAOS_ROUNDS") or 12)
"""Rounds of a session; the victims take turns."""
SEED = os.environ.get("HEDDLE_CHAOS_SEED") or secrets.token_hex(4)
RUNS: dict[Kind, int] = {"chat": 12, "flow": 10, "web": 10, "items": 2, "ask": 6}
"""Runs of every round, by kind."""
LEASE_SECONDS = 10.0
GRACE_SECONDS = 10.0
"""What a run may take beyond the lease, from the moment of the kill to its end."""


def rounds() -> list[tuple[int, Victim]]:
    """The rounds of a session, by number, and who dies in them."""
    return [(number, VICTIMS[(number - 1) % len(VICTIMS)]) for number in range(1, ROUNDS + 1)]


def choices(number: int) -> random.Random:
    """Everything that a round draws, drawn the same for the same seed."""
    return random.Random(f"{SEED}/{number}")
