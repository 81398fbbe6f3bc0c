"""What the rounds of a container may leave altogether."""

from typing import Any

import pytest

from services.engine.domain.events import journal
from services.engine.domain.execution import container_rounds
from services.engine.domain.variables.values import Value
from tests.unit.engine.execution.container_graphs import Nodes, iterated
from tests.unit.engine.execution.simulated_world import World, ended, in_order

COPIES: Nodes = {"x": {"type": "copy", "of": "it.item"}}
ASKS: Nodes = {"x": {"type": "ask"}}
INTO_X = ["itstart > x"]


def _output(world: World) -> Value:
    return world.machine.state.pool.names("it")["output"]


@pytest.mark.parametrize("settings", [{}, {"is_parallel": True, "parallel_nums": 2}])
def test_rounds_that_leave_too_much_end_their_container(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    monkeypatch.setattr(container_rounds, "LEFT_BYTES", 10)
    few = in_order(iterated(COPIES, INTO_X, ["abcde"] * 2, **settings))
    assert (ended(few).status, _output(few)) == ("succeeded", ["abcde"] * 2)
    many = in_order(iterated(COPIES, INTO_X, ["abcde"] * 50, **settings))
    assert ended(many).status == "failed"
    assert "Keep content of that size in files" in (ended(many).error or "")
    assert 3 <= sum(isinstance(event, journal.FrameStarted) for event in many.events) <= 4


def test_who_takes_a_container_over_counts_what_its_rounds_have_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = in_order(iterated(ASKS, INTO_X, ["a"]))
    output = _output(one)
    assert isinstance(output, list)
    monkeypatch.setattr(container_rounds, "LEFT_BYTES", len(str(output[0]).encode()) * 3)
    world = World(iterated(ASKS, INTO_X, ["a"] * 9))
    world.begin()
    while not world.finished:
        world.happen(world.moves()[0])
        if not world.finished:
            world.crash()
    assert ended(world).status == "failed"
    assert sum(isinstance(event, journal.FrameStarted) for event in world.events) == 4
