"""What one workflow is to others that call it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from services.engine.domain.execution.compiled_frame import CompiledFrame, CompiledNode
from services.engine.domain.node_parts.called_workflow import CallsWorkflow, KnownWorkflow
from services.engine.domain.node_parts.node_contract import OutputTypes
from services.engine.domain.variables.types import ValueType

_TYPES = {each.value: each for each in ValueType}


def refs_in(workflow: CompiledFrame) -> list[str]:
    """The references of its nodes, at any depth, each once."""
    found = (node.node.ref for node in workflow.nodes if isinstance(node.node, CallsWorkflow))
    return [ref for ref in dict.fromkeys(found) if ref]


def knowing_called(
    nodes: Sequence[CompiledNode], called: Mapping[str, KnownWorkflow]
) -> tuple[CompiledNode, ...]:
    """The nodes, each told what it calls where that is known."""
    return tuple(
        replace(each, node=each.node.knowing_workflow(called[each.node.ref]))
        if isinstance(each.node, CallsWorkflow) and each.node.ref in called
        else each
        for each in nodes
    )


def declared_outputs(workflow: CompiledFrame) -> OutputTypes:
    """The outputs of all its ends; None for a type that they do not name, or not alike."""
    found: dict[str, ValueType | None] = {}
    for name, kind in _ends(workflow):
        found[name] = kind if found.get(name, kind) == kind else None
    return found


def _ends(workflow: CompiledFrame) -> Iterator[tuple[str, ValueType | None]]:
    for node in workflow.nodes:
        listed = node.place.data.get("outputs")
        if node.place.type != "end" or not isinstance(listed, list):
            continue
        for output in listed:
            name = output.get("variable") if isinstance(output, dict) else None
            if isinstance(output, dict) and isinstance(name, str):
                yield name, _TYPES.get(str(output.get("value_type")))
