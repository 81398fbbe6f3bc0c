"""Node types for tests of the engine's shell, small enough to see through, and graphs of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

from libs.common.contracts.chat import ChatCall, ChatMessage, ChatPart, ChatResult, TextPart
from libs.common.contracts.code_execution import CodeCall, CodeResult
from libs.common.contracts.workflows import WorkflowDefinition
from services.engine.domain.node_parts.effects import CallModel, RunCode, Wait
from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeResult,
    NodeRun,
    NodeType,
    OutputSegment,
    Problem,
)
from services.engine.domain.nodes.catalogue import CATALOGUE
from services.engine.domain.variables.values import Selector


@dataclass(frozen=True, slots=True)
class PlainNode:
    node_id: str
    data: Mapping[str, Any]
    references: tuple[Selector, ...] = ()
    problems: tuple[Problem, ...] = ()

    def run(self, context: NodeContext) -> NodeRun:
        return NodeResult(outputs={"said": self.node_id})
        yield  # a generator all the same


class _Nap(PlainNode):
    __slots__ = ()

    def run(self, context: NodeContext) -> NodeRun:
        yield Wait(seconds=float(self.data["seconds"]))
        return NodeResult(outputs={"rested": True})


class _Ask(PlainNode):
    __slots__ = ()

    def run(self, context: NodeContext) -> NodeRun:
        message = ChatMessage(role="user", content=str(self.data["prompt"]))
        answer = yield CallModel(
            call=ChatCall(model="test/model", messages=(message,)),
            visible=lambda: _text_of,
            selector=(self.node_id, "text"),
        )
        assert isinstance(answer, ChatResult)
        return NodeResult(outputs={"text": answer.text})


class _Compute(PlainNode):
    __slots__ = ()

    def run(self, context: NodeContext) -> NodeRun:
        call = CodeCall(language="python3", code=str(self.data["code"]))
        done = yield RunCode(call=call, timeout_seconds=float(self.data.get("timeout", 60.0)))
        assert isinstance(done, CodeResult)
        return NodeResult(outputs={"result": done.result})


class _Unwritable(PlainNode):
    __slots__ = ()

    def run(self, context: NodeContext) -> NodeRun:
        return NodeResult(outputs={"half": "\ud800"})
        yield  # a generator all the same


class _Broken(PlainNode):
    """Meets a defect in what drives it."""

    __slots__ = ()

    def run(self, context: NodeContext) -> NodeRun:
        return cast("NodeResult", object())
        yield  # a generator all the same


class _Huge(PlainNode):
    """Brings `size` characters."""

    __slots__ = ()

    def run(self, context: NodeContext) -> NodeRun:
        return NodeResult(outputs={"text": "x" * int(self.data["size"])})
        yield  # a generator all the same


def _text_of(part: ChatPart) -> str:
    return part.text if isinstance(part, TextPart) else ""


def _answer_template(data: Mapping[str, Any]) -> tuple[OutputSegment, ...]:
    return (OutputSegment(selector=tuple(str(data["shows"]).split("."))),)


TEST_CATALOGUE: Mapping[str, NodeType] = {
    "begin": NodeType(type="begin", execution="root", parse=PlainNode),
    "pass": NodeType(type="pass", execution="executable", parse=PlainNode),
    "nap": NodeType(type="nap", execution="executable", parse=_Nap),
    "ask": NodeType(type="ask", execution="executable", parse=_Ask),
    "compute": NodeType(type="compute", execution="executable", parse=_Compute),
    "huge": NodeType(type="huge", execution="executable", parse=_Huge),
    "human-input": CATALOGUE["human-input"],
    "start": CATALOGUE["start"],
    "end": CATALOGUE["end"],
    "sub-workflow": CATALOGUE["sub-workflow"],
    "broken": NodeType(type="broken", execution="executable", parse=_Broken),
    "unwritable": NodeType(type="unwritable", execution="executable", parse=_Unwritable),
    "show": NodeType(
        type="show", execution="response", parse=PlainNode, response_template=_answer_template
    ),
}


def form(*actions: str, **more: Any) -> dict[str, Any]:
    """A human-input node's data; its first action is the way on in a chain."""
    return {
        "type": "human-input",
        "form_content": "Well? {{#$output.why#}}",
        "inputs": [{"type": "paragraph", "output_variable_name": "why"}],
        "user_actions": [{"id": each, "title": each.upper()} for each in actions or ("source",)],
        **more,
    }


def chain(*nodes: dict[str, Any]) -> WorkflowDefinition:
    """A workflow of `nodes` one after the other, behind a beginning."""
    steps = [{"type": "begin"}, *nodes]
    ids = [f"n{place}" for place in range(len(steps))]
    return WorkflowDefinition(
        mode="advanced-chat",
        graph={
            "nodes": [
                {"id": node_id, "data": {"title": node_id.upper(), **data}}
                for node_id, data in zip(ids, steps, strict=True)
            ],
            "edges": [
                {"id": f"{a}-{b}", "source": a, "target": b, "sourceHandle": "source"}
                for a, b in pairwise(ids)
            ],
        },
    )
