"""Whatever fails, and whenever: no run lies, none is lost, and each ends once the faults stop."""

import logging
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.simulation.profile import ROUNDS, seed_of, shape_of
from tests.simulation.round import Round, Shape, Told


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Every fault is logged by whoever meets it."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_every_round_ends_well() -> None:
    faults: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    workers, latest, begun = 0, 0.0, time.perf_counter()
    for number in range(1, ROUNDS + 1):
        told = _played(number)
        faults.update(told.faults)
        statuses.update(told.statuses)
        workers += told.workers
        latest = max(latest, told.latest)
    took = time.perf_counter() - begun
    runs = sum(statuses.values())
    print(  # noqa: T201 - what was simulated is this test's product
        f"\n{ROUNDS} rounds, {runs} runs {dict(statuses)}, {workers} workers,"
        f" faults {dict(faults)}; the last end came {latest:.1f} s after the last fault;"
        f" {runs / took:.0f} runs a second"
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


def _played(number: int) -> Told:
    try:
        return Round(seed_of(number), shape_of(number)).play()
    except AssertionError as error:
        error.add_note(f"round {number} of seed {seed_of(0).removesuffix('/0')}")
        raise
