"""Runs with a fixed story, so that the same code always writes the same journal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.engine.domain.execution.compile_workflow import CompiledWorkflow
from tests.unit.engine.execution.calling_world import CALL, CallingWorld
from tests.unit.engine.execution.container_graphs import (
    assigner,
    breaks,
    iteration,
    loop,
    with_starts,
)
from tests.unit.engine.execution.machine_nodes import workflow
from tests.unit.engine.execution.parked_world import ParkedWorld, form
from tests.unit.engine.execution.simulated_world import RUN, TENANT, Fails, World, never, run_to_end


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`story` drives a begun run to its end."""

    nodes: Mapping[str, Mapping[str, Any]]
    edges: tuple[str, ...]
    story: Callable[[World], object]
    fails: Fails = never

    def compiled(self) -> CompiledWorkflow:
        return workflow(self.nodes, self.edges)

    def play(self) -> World:
        world = CallingWorld(self.compiled(), self.fails)
        world.begin()
        self.story(world)
        assert world.finished
        return world


def key(node: str, attempt: int = 0, call: int = 0, frame: str = "-") -> str:
    return f"{TENANT}/{RUN}/{node}/{frame}/{attempt}/{call}"


def _first(world: World) -> None:
    run_to_end(world, lambda moves: moves[0])


def _lost_owner_and_generation(world: World) -> None:
    world.speak(key("m"), 12)
    world.crash()
    world.lose(key("m"))
    world.speak(key("m"), 15)
    _first(world)


def _failing_stream(world: World) -> None:
    world.speak(key("m"), 12)
    world.happen(key("m"))
    world.crash()
    _first(world)


def _last_first_with_a_new_owner(world: World) -> None:
    world.speak(key("m", frame="it:0"), 12)
    world.happen(world.moves()[-1])
    world.crash()
    run_to_end(world, lambda moves: moves[-1])


def _asked_and_paused(world: World) -> None:
    assert isinstance(world, ParkedWorld)
    for node in ("f", "g"):
        world.happen(f"store {key(node)}")
    world.crash()
    world.pause()
    world.answer(key("f"), "yes", why="so")
    world.crash()
    world.go_on()
    world.time_out(key("g"))
    _first(world)


def _called(world: World) -> None:
    assert isinstance(world, CallingWorld)
    world.happen(f"accept {key('c')}")
    world.accept(key("d"))
    world.crash()
    world.end(key("c"), total_steps=3, waited_seconds=60.0)
    world.end(key("d"), status="failed", error="no")
    _first(world)


def _aborted(world: World) -> None:
    world.speak(key("m"), 12)
    world.stop()


_BEGIN: Mapping[str, Any] = {"type": "begin"}
_STREAM: Mapping[str, Mapping[str, Any]] = {
    "s": _BEGIN,
    "m": {"type": "ask"},
    "a": {"type": "show", "shows": ["says: ", "@m.text", "."]},
}
_RETRIED = {
    "type": "ask",
    "retry_config": {"retry_enabled": True, "max_retries": 1, "retry_interval": 500},
}
_BRANCHED: Mapping[str, Mapping[str, Any]] = {
    "s": _BEGIN,
    "f": {"type": "fork", "choose": "yes"},
    "c": {"type": "compute", "error_strategy": "fail-branch"},
    "n": {"type": "nap"},
    "x": {"type": "chorus"},
    "never": {"type": "pass"},
    "well": {"type": "show", "shows": ["well"]},
    "ill": {"type": "show", "shows": ["@c.error_message", "@sys.query", "@x.text"]},
}

_ROUNDS: Mapping[str, Mapping[str, Any]] = with_starts(
    {
        "s": {"type": "begin"},
        "g": {"type": "give", "list": ["a", "b", "c"]},
        "it": iteration(
            "m.text",
            is_parallel=True,
            parallel_nums=2,
            error_handle_mode="continue-on-error",
        ),
        "m": {"type": "ask"},
        "says": {"type": "show", "shows": ["@it.item", ": ", "@m.text", ";"]},
        "lp": loop(3, {"i": 1}, **breaks(("c.text", "=", "1"))),
        "c": {"type": "copy", "of": "lp.i"},
        "a": {"type": "show", "shows": ["@lp.loop_round"]},
    }
)

_ASSIGNED: Mapping[str, Mapping[str, Any]] = with_starts(
    {
        "s": {"type": "begin"},
        "lp": loop(3, {"i": 1}),
        "n": {"type": "nap"},
        "as": assigner(("lp.i", "+=", 1), ("lp.i", "*=", 2)),
        "told": {"type": "show", "shows": ["@lp.i", ";"]},
        "aside": {"type": "show", "shows": ["-"]},
    }
)

SCENARIOS: Mapping[str, Scenario] = {
    "branches_and_joins": Scenario(
        nodes=_BRANCHED,
        edges=(
            "s > f",
            "f:yes > c",
            "f:no > never",
            "s > n",
            "s > x",
            "c:source > well",
            "c:fail-branch > ill",
            "never > ill",
            "n > ill",
            "x > ill",
        ),
        story=_first,
        fails=lambda node, _attempt, _call: node == "c",
    ),
    "streamed": Scenario(nodes=_STREAM, edges=("s > m", "m > a"), story=_first),
    "lost_owner_and_generation": Scenario(
        nodes=_STREAM, edges=("s > m", "m > a"), story=_lost_owner_and_generation
    ),
    "retried_stream": Scenario(
        nodes={**_STREAM, "m": _RETRIED},
        edges=("s > m", "m > a"),
        story=_failing_stream,
        fails=lambda _node, attempt, _call: attempt == 0,
    ),
    "rounds_side_by_side": Scenario(
        nodes=_ROUNDS,
        edges=("s > g", "g > it", "itstart > m", "m > says", "it > lp", "lpstart > c", "lp > a"),
        story=_last_first_with_a_new_owner,
        fails=lambda node, _attempt, _call: node == "m@it:1",
    ),
    "assigned_in_rounds": Scenario(
        nodes=_ASSIGNED,
        edges=("s > lp", "lpstart > n", "n > as", "as > told", "as > aside"),
        story=_first,
    ),
    "asked_and_paused": Scenario(
        nodes={
            "s": _BEGIN,
            "f": form("yes", "no", form_content="Why? {{#$output.why#}}"),
            "g": form("yes", timeout=2, timeout_unit="day"),
            "m": {"type": "ask"},
            "late": {"type": "pass"},
        },
        edges=("s > f", "s > g", "f:yes > m", "g:__timeout > late"),
        story=_asked_and_paused,
    ),
    "called_workflows": Scenario(
        nodes={
            "s": _BEGIN,
            "c": CALL,
            "d": {**CALL, "error_strategy": "fail-branch"},
            "w": {"type": "pass"},
            "i": {"type": "pass"},
        },
        edges=("s > c", "s > d", "d > w", "d:fail-branch > i"),
        story=_called,
    ),
    "aborted": Scenario(nodes=_STREAM, edges=("s > m", "m > a"), story=_aborted),
}
