"""What Dify's wire tells of containers, in their order."""

import pytest

from tests.conformance.own_cases import own_cases
from tests.conformance.runner import Runner

pytestmark = pytest.mark.xdist_group("conformance")
_OF_CONTAINERS = ("iteration_", "loop_")


def test_containers_have_events_of_their_own_and_none_of_nodes(runner: Runner) -> None:
    case = next(each for each in own_cases() if each.name.startswith("containers::"))
    events = runner.run(case).events
    told = [each["event"] for each in events if each["event"].startswith(_OF_CONTAINERS)]
    assert told == [
        "iteration_started",
        "iteration_next",
        "iteration_next",
        "iteration_next",
        "iteration_completed",
        "loop_started",
        "loop_completed",
    ]
    nodes = [each["data"] for each in events if each["event"].startswith("node_")]
    assert {each["node_id"] for each in nodes} == {"start", "measure", "tell", "note", "done"}
    inside = [each for each in nodes if each["node_id"] == "tell"]
    assert {each["iteration_id"] for each in inside} == {"each"}
    assert {each["loop_id"] for each in nodes if each["node_id"] == "note"} == {"again"}
