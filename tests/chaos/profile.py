"""How long the chaos goes on and from which seed: one seed replays every choice of a round."""

import os
import random
import secrets

ROUNDS = int(os.environ.get("HEDDLE_CHAOS_ROUNDS") or 12)
"""Rounds of a session, over all scenarios."""
SEED = os.environ.get("HEDDLE_CHAOS_SEED") or secrets.token_hex(4)
RUNS = 50
"""Runs under way in every round."""
LEASE_SECONDS = 10.0
GRACE_SECONDS = 10.0
"""What a run may take beyond the lease, from the moment of the kill to its end."""


def rounds(share: float) -> list[int]:
    """The round numbers of a scenario that takes `share` of all rounds, at least one."""
    return list(range(1, max(1, round(ROUNDS * share)) + 1))


def choices(scenario: str, number: int) -> random.Random:
    """Everything that a round draws, drawn the same for the same seed."""
    return random.Random(f"{SEED}/{scenario}/{number}")
