"""Whatever fails, and whenever: no run lies, none is lost, and each ends once the faults stop."""

import hashlib
import logging
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.simulation.profile import SEED, seed_of, shapes
from tests.simulation.round import Round, Shape, Told

_LINES = 20
"""Of a session's progress."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Every fault is logged by whoever meets it."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_every_round_ends_well() -> None:
    faults: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    digest = hashlib.sha256()
    workers, takeovers, latest, begun = 0, 0, 0.0, time.perf_counter()
    rounds, runs, took = shapes(), 0, 0.0
    for number, shape in enumerate(rounds, 1):
        told = _played(number, shape)
        digest.update(told.digest.encode())
        faults.update(told.faults)
        statuses.update(told.statuses)
        workers += told.workers
        takeovers += told.takeovers
        latest = max(latest, told.latest)
        runs, took = sum(statuses.values()), time.perf_counter() - begun
        if number % -(-len(rounds) // _LINES) == 0:
            _say(f"round {number} of {len(rounds)}: {runs} runs after {took:.0f} s")
    _say(
        f"seed {SEED}: {len(rounds)} rounds, {runs} runs {dict(statuses)}, {workers} workers,"
        f" {takeovers} takeovers, faults {dict(faults)};"
        f" the last end came {latest:.1f} s after the last fault;"
        f" {runs / took:.0f} runs a second; digest {digest.hexdigest()[:16]}"
    )
    assert statuses["succeeded"] > 0
    assert set(statuses) <= {"succeeded", "stopped"}


def test_a_seed_replays_its_round() -> None:
    shape = Shape(workers=3, runs=15, seconds=20.0)
    first, again, other = (Round(seed, shape).play() for seed in ("a", "a", "b"))
    assert first == again
    assert first != other


def test_without_faults_every_run_keeps_its_first_owner() -> None:
    told = Round("calm", Shape(workers=3, runs=60, seconds=20.0, faults=False)).play()
    assert told.statuses["succeeded"] > 0
    assert told.takeovers == 0


def _say(line: str) -> None:
    print(f"\n{line}", end="", flush=True)  # noqa: T201 - what was simulated is this test's product


def _played(number: int, shape: Shape) -> Told:
    try:
        return Round(seed_of(number), shape).play()
    except AssertionError as error:
        error.add_note(f"round {number} of seed {seed_of(0).removesuffix('/0')}")
        raise
