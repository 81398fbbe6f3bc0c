"""A run that needs nothing but time goes on in steps of a bounded size, and keeps only what its
nodes leave behind."""

import gc
import tracemalloc

import pytest

from services.engine.domain.events import journal
from services.engine.domain.execution.run_advance import STEP_EVENTS
from services.engine.domain.execution.run_machine import RunMachine
from tests.unit.engine.execution.container_graphs import contained, iteration
from tests.unit.engine.execution.simulated_world import RUN, TENANT, begun

SIZE, OVERHEAD = 1_000, 350
"""Bytes of an item's output, and those that may be held of it beside that: what it was, its number
and its seconds, in two dicts."""


def _machine(items: int, width: int) -> RunMachine:
    nodes = {
        "s": {"type": "begin"},
        "g": {"type": "give", "list": ["x" * SIZE] * items},
        "it": iteration("x.answer", is_parallel=width > 1, parallel_nums=width),
        # Twice the text, so that no round leaves the very text that it was given.
        "x": {"type": "show", "shows": ["@it.item", "[.]"]},
    }
    compiled = contained(nodes, ["s > g", "g > it", "itstart > x"])
    return RunMachine(compiled, tenant_id=TENANT, run_id=RUN)


def _held(items: int, width: int) -> int:
    """Bytes behind the last step but a few."""
    machine = _machine(items, width)
    step = machine.begin(begun(max_steps=items + 3))
    rounds = 0
    while rounds < items - 200:
        assert STEP_EVENTS <= len(step.events) <= STEP_EVENTS + 5
        assert step.unsettled
        rounds += sum(isinstance(event, journal.FrameFinished) for event in step.events)
        step = machine.go_on(0.0)
    del step
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


@pytest.mark.parametrize("width", [1, 20])
def test_what_is_held_grows_with_the_outputs_alone(width: int) -> None:
    tracemalloc.start()
    try:
        _held(1_000, width)
        small, large = _held(1_000, width), _held(3_000, width)
    finally:
        tracemalloc.stop()
    assert (large - small) / 2_000 < SIZE + OVERHEAD


def test_the_last_step_is_settled_and_nothing_is_left() -> None:
    machine = _machine(300, 1)
    steps = [machine.begin(begun(max_steps=303))]
    while steps[-1].unsettled:
        steps.append(machine.go_on(0.0))
    assert len(steps) > 2
    assert [step.finished for step in steps] == [*[False] * (len(steps) - 1), True]
    assert machine.go_on(0.0).events == []
