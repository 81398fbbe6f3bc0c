"""Outputs that a caller gives anew for nodes which are not executed."""

from collections.abc import Iterator, Mapping

from libs.common.errors import ErrorDetail
from services.engine.domain.execution.compile_workflow import CompiledWorkflow
from services.engine.domain.execution.compiled_frame import CompiledNode
from services.engine.domain.forks.taken_events import EndedNode
from services.engine.domain.node_parts.node_contract import DeclaresOutputs, OutputTypes
from services.engine.domain.variables.types import ValueType, fits, infer_type
from services.engine.domain.variables.values import Value


def refused_edits(
    workflow: CompiledWorkflow,
    taken: Mapping[str, EndedNode],
    outputs: Mapping[str, Mapping[str, Value]],
) -> Iterator[ErrorDetail]:
    """What is wrong with `outputs`; pointers are into the request that holds them."""
    for node_id, values in outputs.items():
        end = taken.get(node_id)
        if end is None:
            what = "executes or never ran, so it has no recorded outputs to edit"
            yield _at(f"`{node_id}` {what}.", node_id)
            continue
        node = workflow.nodes[workflow.graph.index_of[node_id]]
        if node.type is not None and node.type.execution == "response":
            yield _at(f"`{node_id}` shows what other nodes gave: edit those.", node_id)
            continue
        for name, value in values.items():
            if message := _misfit(node, end, name, value):
                yield _at(message, node_id, name)


def _misfit(node: CompiledNode, end: EndedNode, name: str, value: Value) -> str | None:
    node_id, known = node.place.id, dict.fromkeys(end.outputs)
    declared: OutputTypes = node.node.output_types if isinstance(node.node, DeclaresOutputs) else {}
    if name not in known and name not in declared:
        names = ", ".join({**declared, **known}) or "none"
        return f"`{node_id}` has no output `{name}` (it has: {names})."
    wanted = declared.get(name)
    if wanted is None or value is None or fits(value, wanted):
        return None
    if wanted is ValueType.ARRAY_ANY and isinstance(value, list):
        # What a node makes may have lists and nulls in it, which no variable is declared to hold.
        return None
    return f"`{node_id}.{name}` is {wanted}; what is given is {infer_type(value)}."


def _at(message: str, *path: str) -> ErrorDetail:
    steps = (step.replace("~", "~0").replace("/", "~1") for step in ("outputs", *path))
    return ErrorDetail(pointer="".join(f"/{step}" for step in steps), message=message)
