"""Variables that change while a node is under way: it goes on with those of its start, whoever
carries it, and what begins later has the new ones."""

from typing import Any

from libs.common.contracts.code_execution import CodeCall
from libs.common.contracts.run_commands import UpdateVariables, VariableUpdate
from services.engine.domain.events import journal
from services.engine.domain.execution.run_machine import RunMachine
from services.engine.domain.variables.values import Missing, Value
from tests.unit.engine.execution.container_graphs import Nodes, assigner, contained, iteration
from tests.unit.engine.execution.parked_world import ParkedWorld, form
from tests.unit.engine.execution.simulated_world import (
    RUN,
    TENANT,
    Fails,
    ended,
    never,
    run_to_end,
)

BEGIN: dict[str, Any] = {"type": "begin"}
GIVE: dict[str, Any] = {"type": "give", "list": [1]}


def key(node: str, attempt: int = 0, frame: str = "-") -> str:
    return f"{TENANT}/{RUN}/{node}/{frame}/{attempt}/0"


def _begun(nodes: Nodes, *edges: str, fails: Fails = never) -> ParkedWorld:
    world = ParkedWorld(contained(nodes, [*edges]), fails)
    world.begin(conversation={"seen": 0})
    return world


def _calling(**more: Any) -> ParkedWorld:
    """A call under way that was made of `g.list`, and a node behind it that reads the same."""
    return _begun(
        {
            "s": BEGIN,
            "g": GIVE,
            "c": {"type": "compute", "of": "g.list", **more},
            "late": {"type": "copy", "of": "g.list"},
        },
        *("s > g", "g > c", "c > late"),
    )


def _change(world: ParkedWorld, selector: str, value: Value) -> None:
    scope, name = selector.split(".")
    update = VariableUpdate(selector=(scope, name), value=value)
    world.tell(UpdateVariables(**world.address(), updates=(update,)))


def _read(world: ParkedWorld, node: str) -> Value:
    value = world.machine.state.pool.get((node, "text"))
    assert not isinstance(value, Missing)
    return value


def _asked(world: ParkedWorld, node: str) -> str:
    call = world.calls[key(node)].dispatch.request.call
    assert isinstance(call, CodeCall)
    return call.code


def test_a_call_under_way_goes_on_at_another_worker_as_it_was_made() -> None:
    world = _calling()
    _change(world, "g.list", [2])
    world.crash()
    assert _asked(world, "c") == "[1]"
    run_to_end(world, lambda moves: moves[0])
    assert ended(world).status == "succeeded"
    assert (_read(world, "c"), _read(world, "late")) == ("[1]", [2])


def test_its_owner_reads_what_another_worker_would() -> None:
    world = _calling()
    _change(world, "g.list", [2])
    run_to_end(world, lambda moves: moves[0])
    assert (_read(world, "c"), _read(world, "late")) == ("[1]", [2])


def test_of_several_changes_the_first_one_tells_what_was_there() -> None:
    world = _calling()
    for value in (2, 3):
        _change(world, "g.list", [value])
        world.crash()
    run_to_end(world, lambda moves: moves[0])
    assert (_read(world, "c"), _read(world, "late")) == ("[1]", [3])


def test_what_was_not_there_is_not_there() -> None:
    world = _calling(of="g.other")
    before = _asked(world, "c")
    _change(world, "g.other", 7)
    world.crash()
    assert _asked(world, "c") == before
    run_to_end(world, lambda moves: moves[0])
    assert _read(world, "c") == before


def test_a_snapshot_remembers_what_was_there() -> None:
    world = _calling()
    _change(world, "g.list", [2])
    saved = world.machine.snapshot()
    later = RunMachine(world.workflow, tenant_id=TENANT, run_id=RUN)
    later.restore(saved)
    (dispatch,) = later.resume(world.now).dispatches
    assert isinstance(dispatch.request.call, CodeCall)
    assert dispatch.request.call.code == "[1]"


def test_the_next_attempt_has_the_new_value() -> None:
    world = _begun(
        {
            "s": BEGIN,
            "g": GIVE,
            "c": {
                "type": "compute",
                "of": "g.list",
                "retry_config": {"retry_enabled": True, "max_retries": 1, "retry_interval": 100},
            },
        },
        *("s > g", "g > c"),
        fails=lambda _node, attempt, _call: attempt == 0,
    )
    _change(world, "g.list", [2])
    world.crash()
    run_to_end(world, lambda moves: moves[0])
    assert ended(world).status == "partial-succeeded"
    assert _read(world, "c") == "[2]"


def test_what_an_assigner_changes_meanwhile_is_the_same() -> None:
    world = _begun(
        {
            "s": BEGIN,
            "c": {"type": "compute", "of": "conversation.seen"},
            "nap": {"type": "nap"},
            "as": assigner(("conversation.seen", "+=", 2)),
            "late": {"type": "copy", "of": "conversation.seen"},
        },
        *("s > c", "s > nap", "nap > as", "as > late"),
    )
    world.happen(next(move for move in world.moves() if "nap" in move))
    assert any(isinstance(event, journal.VariableUpdated) for event in world.events)
    world.crash()
    run_to_end(world, lambda moves: moves[0])
    assert ended(world).status == "succeeded"
    assert (_read(world, "c"), _read(world, "late")) == ("0", 2)


def test_what_a_round_leaves_meanwhile_is_the_same() -> None:
    world = _begun(
        {
            "s": BEGIN,
            "g": GIVE,
            "i": iteration("as.text"),
            "as": assigner(("conversation.seen", "+=", 2)),
            "c": {"type": "compute", "of": "conversation.seen"},
        },
        *("s > g", "s > c", "g > i", "istart > as"),
    )
    assert world.machine.state.pool.get(("conversation", "seen")) == 2
    world.crash()
    run_to_end(world, lambda moves: moves[0])
    assert ended(world).status == "succeeded"
    assert _read(world, "c") == "0"


def test_people_are_shown_what_stood_when_they_were_asked() -> None:
    ask = {**form("yes"), "form_content": "Pay {{#g.list#}}?"}
    world = _begun({"s": BEGIN, "g": GIVE, "f": ask}, *("s > g", "g > f"))
    shown = world.asked[key("f")].form.content
    _change(world, "g.list", [2])
    world.crash()
    assert world.asked[key("f")].form.content == shown
    world.happen(f"store {key('f')}")
    world.answer(key("f"), "yes")
    assert world.machine.state.pool.get(("f", "__rendered_content")) == shown
