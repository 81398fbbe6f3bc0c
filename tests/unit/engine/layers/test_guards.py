"""Guards are asked before a node or an effect begins; what they order stands in the journal."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from services.engine.domain.events import journal
from services.engine.domain.layers.layer import (
    Beginning,
    FailRun,
    Order,
    RunView,
    StopRun,
)
from services.engine.domain.layers.layer_stack import Guards
from services.engine.domain.layers.token_budget import TokenBudget
from tests.unit.engine.execution.machine_nodes import workflow
from tests.unit.engine.execution.parked_world import ParkedWorld
from tests.unit.engine.execution.simulated_world import World, ended, run_to_end

ASK = {"type": "ask"}
PASS = {"type": "pass"}


@dataclass
class _Guard:
    """Orders `order` before the beginning of node `at`; `asked` is what it was asked of."""

    order: Order | None = None
    at: str = ""
    kind: type[Beginning] = journal.NodeStarted
    asked: list[str] = field(default_factory=list[str])
    name: str = "watchman"

    @property
    def watches(self) -> tuple[type[Beginning], ...]:
        return (self.kind,)

    def judge(self, event: Beginning, run: RunView) -> Order | None:
        self.asked.append(event.node_id)
        return self.order if event.node_id == self.at else None


def _world(guard: Any, *edges: str, kind: type[World] = World, **nodes: Any) -> World:
    graph = {"begin": {"type": "begin"}, **nodes}
    compiled = workflow(graph, edges or ("begin > a", "a > b", "b > c"))
    return kind(compiled, guards=Guards((guard,)), tokens=10)


def _started(world: World) -> list[str]:
    return [event.node_id for event in world.events if isinstance(event, journal.NodeStarted)]


def _asked_of_models(world: World) -> list[str]:
    return [each.node_id for each in world.events if isinstance(each, journal.EffectDispatched)]


def _first(moves: list[str]) -> str:
    return moves[0]


def test_a_guard_fails_a_run_before_a_node_begins() -> None:
    world = _world(_Guard(FailRun(error="not b"), "b"), a=PASS, b=PASS, c=PASS)
    world.begin()
    end = ended(world)
    assert (end.status, end.error) == ("failed", "not b")
    assert _started(world) == ["begin", "a"]


def test_a_guard_stops_a_run_as_an_abort_does() -> None:
    guard = _Guard(StopRun(reason="enough"), "b", journal.EffectDispatched)
    world = _world(guard, a=ASK, b=ASK, c=ASK)
    world.begin()
    end = run_to_end(world, _first)
    assert (end.status, end.error) == ("stopped", "enough")
    command = next(each for each in world.events if isinstance(each, journal.CommandApplied))
    assert (command.command, command.reason) == ("abort", "enough")
    assert _asked_of_models(world) == ["a"]


def test_of_several_effects_at_once_none_goes_out_behind_a_refusal() -> None:
    guard = _Guard(FailRun(error="no"), "a", journal.EffectDispatched)
    world = _world(guard, "begin > a", a={"type": "duet"})
    world.begin()
    assert ended(world).error == "no"
    assert (world.calls, _asked_of_models(world)) == ({}, [])


def test_a_guard_that_raises_lets_nothing_pass() -> None:
    failures: list[tuple[str, str]] = []

    class Broken(_Guard):
        def judge(self, event: Beginning, run: RunView) -> Order | None:
            raise LookupError("lost my keys")

    def told(layer: str, error: Exception) -> None:
        failures.append((layer, str(error)))

    world = _world(Broken(), a=PASS, b=PASS, c=PASS)
    world.guards = Guards((Broken(),), told)
    world.begin()
    end = ended(world)
    assert (end.status, _started(world)) == ("failed", [])
    assert "'watchman' failed" in str(end.error)
    assert failures == [("watchman", "lost my keys")]


@pytest.mark.parametrize("kind", [journal.NodeStarted, journal.EffectDispatched])
def test_a_takeover_asks_no_guard_of_what_has_begun(kind: type[Beginning]) -> None:
    guard = _Guard(kind=kind)
    world = _world(guard, a=ASK, b=ASK, c=ASK)
    world.begin()
    world.happen(world.moves()[0])
    before = [*guard.asked]
    assert before[-1] == "b"
    world.crash()
    assert guard.asked == before
    assert run_to_end(world, _first).status == "succeeded"


def _spent(*edges: str, budget: int | None, **nodes: Any) -> tuple[World, journal.RunFinished]:
    world = _world(TokenBudget(), *edges, **nodes)
    world.begin(max_tokens=budget)
    return world, run_to_end(world, _first)


def test_no_model_call_begins_once_the_budget_is_used_up() -> None:
    world, end = _spent(budget=20, a=ASK, b=ASK, c=ASK)
    assert end.status == "failed"
    assert end.error == (
        "Token budget used up: node 'c' asked for a model call when 20 of 20 tokens were used"
    )
    assert _asked_of_models(world) == ["a", "b"]


def test_a_budget_that_is_not_used_up_changes_nothing() -> None:
    world, end = _spent(budget=21, a=ASK, b=ASK, c=ASK)
    assert (end.status, _asked_of_models(world)) == ("succeeded", ["a", "b", "c"])


def test_a_run_without_a_budget_has_no_bound() -> None:
    assert _spent(budget=None, a=ASK, b=ASK, c=ASK)[1].status == "succeeded"


def test_calls_of_one_node_count_one_by_one() -> None:
    world, end = _spent("begin > a", budget=20, a={"type": "ask", "calls": 5})
    assert "node 'a'" in str(end.error)
    assert len(_asked_of_models(world)) == 2


def test_what_a_failed_node_used_stays_used() -> None:
    refuses = {"type": "ask", "refuses": True, "error_strategy": "fail-branch"}
    world, end = _spent(
        "begin > a", "a:fail-branch > b", "a:source > c", budget=10, a=refuses, b=ASK, c=PASS
    )
    assert "node 'b'" in str(end.error)
    assert _asked_of_models(world) == ["a"]


def test_other_effects_go_on_without_a_budget_left() -> None:
    world, end = _spent(budget=10, a=ASK, b={"type": "compute"}, c={"type": "nap"})
    assert (end.status, _asked_of_models(world)) == ("succeeded", ["a", "b", "c"])


def test_a_takeover_knows_what_was_used() -> None:
    world = _world(TokenBudget(), a=ASK, b=ASK, c=ASK)
    world.begin(max_tokens=20)
    while not world.finished:
        world.crash()
        world.happen(world.moves()[0])
    assert "node 'c'" in str(ended(world).error)


def test_a_run_that_is_resumed_without_a_budget_left_ends_once() -> None:
    """Every answer came while it was paused: rounds are over in the step that ends the run."""
    nodes: dict[str, Any] = {
        "list": {"type": "give", "list": [1, 2]},
        "each": {
            "type": "iteration",
            "start_node_id": "first",
            "iterator_selector": ["list", "list"],
            "output_selector": ["a", "text"],
            "is_parallel": True,
        },
        "first": {"type": "iteration-start"},
        "a": ASK,
        "late": {"type": "compute"},
        "b": {"type": "ask", "calls": 2},
        "c": {"type": "ask", "calls": 2},
    }
    edges = ("begin > list", "list > each", "first > a", "begin > late", "late > b", "late > c")
    world = _world(TokenBudget(), *edges, kind=ParkedWorld, **nodes)
    assert isinstance(world, ParkedWorld)
    world.begin(max_tokens=10)
    world.happen(next(move for move in world.moves() if "/late/" in move))
    world.pause()
    for move in world.moves():
        world.happen(move)
    world.go_on()
    assert "node 'b'" in str(ended(world).error)
    assert isinstance(world.events[-1], journal.RunFinished)
