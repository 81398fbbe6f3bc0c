"""Under which hash a compiled workflow stands, and when it is compiled."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.workflows import WorkflowDefinition
from services.engine.app.workflows.compiled_workflows import CompiledWorkflows
from services.engine.domain.execution import compile_workflow as compiling
from services.engine.domain.execution.compile_workflow import content_hash
from services.engine.domain.node_parts.called_tool import CallsTool
from services.engine.domain.node_parts.node_contract import BringsOthers, DeclaresOutputs
from services.engine.domain.nodes.catalogue import CATALOGUE
from services.engine.infra.in_memory.engine_state import EngineState
from services.engine.infra.in_memory.workflow_store import InMemoryWorkflowStore
from tests.support.manual_clock import ManualClock

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=20,
)
OBJECTS = st.dictionaries(st.text(max_size=8), JSON, max_size=4)


@given(OBJECTS, OBJECTS, st.lists(OBJECTS, max_size=2))
def test_the_hash_is_that_of_sorted_json(
    graph: dict[str, Any], features: dict[str, Any], variables: list[dict[str, Any]]
) -> None:
    definition = WorkflowDefinition(
        mode="workflow", graph=graph, features=features, environment_variables=tuple(variables)
    )
    text = json.dumps(
        definition.model_dump(mode="json"),
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    expected = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    assert content_hash(definition) == expected


def _chain(length: int) -> WorkflowDefinition:
    nodes: list[Any] = [{"id": "n0", "data": {"type": "start", "variables": []}}]
    nodes += [
        {"id": f"n{place}", "data": {"type": "answer", "answer": f"{{{{#n{place - 1}.answer#}}}}"}}
        for place in range(1, length)
    ]
    edges: list[Any] = [
        {"source": f"n{place}", "target": f"n{place + 1}"} for place in range(length - 1)
    ]
    return WorkflowDefinition(mode="advanced-chat", graph={"nodes": nodes, "edges": edges})


async def test_what_was_validated_is_not_compiled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    real = compiling.build_graph

    def noted(*given: Any) -> Any:
        compiled.append("once")
        return real(*given)

    monkeypatch.setattr(compiling, "build_graph", noted)
    store = InMemoryWorkflowStore(EngineState(ManualClock()))
    workflows = CompiledWorkflows(store, CATALOGUE)
    first = await workflows.compile(_chain(3))
    again = await workflows.compile(_chain(3))
    other = await workflows.compile(_chain(4))
    assert (again is first, len(compiled)) == (True, 2)
    assert other.compiled.report.content_hash == content_hash(_chain(4))


def test_offers_are_found_by_what_a_node_has() -> None:
    nodes = {
        kind: CATALOGUE[kind].parse("n", {"type": kind})
        for kind in ("tool", "llm", "trigger-plugin")
    }
    known = (DeclaresOutputs, BringsOthers, CallsTool)
    offered = {
        kind: [offer for offer in known if isinstance(node, offer)] for kind, node in nodes.items()
    }
    assert offered == {
        "tool": [DeclaresOutputs, BringsOthers, CallsTool],
        "llm": [DeclaresOutputs],
        "trigger-plugin": [],
    }
