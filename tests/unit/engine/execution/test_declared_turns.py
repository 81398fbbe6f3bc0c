"""How turns of a conversation follow each other is one of two words."""

from typing import Any

import pytest

from libs.common.contracts.workflows import WorkflowDefinition
from services.engine.domain.execution.compile_workflow import compile_workflow
from tests.unit.engine.execution.machine_nodes import CATALOGUE


def _declared(turns: Any) -> WorkflowDefinition:
    return WorkflowDefinition(
        mode="advanced-chat",
        graph={"nodes": [{"id": "begin", "data": {"type": "begin"}}]},
        features={"conversation_turns": turns},
    )


@pytest.mark.parametrize(
    ("turns", "takes_turns"), [(None, False), ("side_by_side", False), ("one_by_one", True)]
)
def test_a_workflow_says_whether_turns_are_taken(turns: str | None, takes_turns: bool) -> None:
    definition = _declared(turns)
    assert not compile_workflow(definition, CATALOGUE).report.errors
    assert definition.takes_turns is takes_turns


@pytest.mark.parametrize("turns", ["one-by-one", True, ["one_by_one"]])
def test_another_word_is_refused(turns: Any) -> None:
    errors = compile_workflow(_declared(turns), CATALOGUE).report.errors
    assert [(each.code, each.field) for each in errors] == [
        ("conversation_turns", "features.conversation_turns")
    ]
