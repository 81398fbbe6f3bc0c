"""Node types for tests of the machine, small enough to see through."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from libs.common.contracts.chat import ChatCall, ChatMessage, ChatPart, ChatResult, TextPart
from libs.common.contracts.code_execution import CodeCall, CodeResult
from libs.common.contracts.workflows import WorkflowDefinition
from services.engine.domain.execution.compile_workflow import CompiledWorkflow, compile_workflow
from services.engine.domain.node_parts.effects import (
    CallModel,
    EffectError,
    EffectRequest,
    RunCode,
    Wait,
)
from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeFailure,
    NodeResult,
    NodeRun,
    NodeType,
    OutputSegment,
    Problem,
)
from services.engine.domain.nodes.catalogue import CATALOGUE as REAL
from services.engine.domain.variables.values import MISSING, Missing, Selector, Value

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Node:
    node_id: str
    data: Data
    references: tuple[Selector, ...] = ()
    problems: tuple[Problem, ...] = ()

    def run(self, context: NodeContext) -> NodeRun:
        return NodeResult(outputs={"text": self.node_id}, handle=self.data.get("choose", "source"))
        yield  # a generator all the same


class _Show(_Node):
    """Answers the list of what it shows, None for what does not exist."""

    __slots__ = ()

    def run(self, context: NodeContext) -> NodeRun:
        found = [context.variables.get(s.selector) for s in show_template(self.data) if s.selector]
        values: list[Value] = [None if value is MISSING else str(value) for value in found]
        return NodeResult(outputs={"answer": f"({self.node_id})", self.node_id: values})
        yield  # a generator all the same


class _Ask(_Node):
    """Calls a model `calls` times, all on one selector; `forgives` a call that fails."""

    __slots__ = ()

    def run(self, context: NodeContext) -> NodeRun:
        said = ""
        for _ in range(int(self.data.get("calls", 1))):
            try:
                answer = yield _question(self.node_id, "text")
            except EffectError:
                if not self.data.get("forgives"):
                    raise
                continue
            assert isinstance(answer, ChatResult)
            said += answer.text
        if self.data.get("refuses"):
            raise NodeFailure("it does not fit")
        return NodeResult(outputs={"text": said}, metadata={"total_tokens": 3})


class _Duet(_Node):
    """Two model calls at once on one selector; `forgives` as above."""

    __slots__ = ()

    def run(self, context: NodeContext) -> NodeRun:
        question = _question(self.node_id, "text")
        both: tuple[EffectRequest, ...] = (question, question)
        try:
            yield both
        except EffectError:
            if not self.data.get("forgives"):
                raise
        return NodeResult(outputs={"text": self.node_id})


class _Chorus(_Node):
    """Three effects at once: code, a wait and code; then one more."""

    __slots__ = ()

    def run(self, context: NodeContext) -> NodeRun:
        code = [RunCode(call=CodeCall(language="python3", code=str(n))) for n in range(3)]
        group: tuple[EffectRequest, ...] = (code[0], Wait(seconds=2.0), code[1])
        answers = yield group
        assert isinstance(answers, tuple)
        assert answers[1] is None
        last = yield code[2]
        results: list[Value] = [
            each.result for each in (*answers, last) if isinstance(each, CodeResult)
        ]
        return NodeResult(outputs={"text": self.node_id, "results": results})


class _Compute(_Node):
    """Calls with what it reads at `of`, and answers what it reads there after the call; with its
    own id where there is no `of`."""

    __slots__ = ()

    def run(self, context: NodeContext) -> NodeRun:
        done = yield RunCode(call=CodeCall(language="python3", code=self._read(context)))
        assert isinstance(done, CodeResult)
        return NodeResult(outputs={"text": self._read(context), "result": done.result})

    def _read(self, context: NodeContext) -> str:
        if "of" not in self.data:
            return self.node_id
        return str(context.variables.get(tuple(self.data["of"].split("."))))


class _Nap(_Node):
    __slots__ = ()

    def run(self, context: NodeContext) -> NodeRun:
        yield Wait(seconds=float(self.data.get("seconds", 1.0)))
        return NodeResult(outputs={"text": self.node_id})


class _Give(_Node):
    """Answers the list it holds."""

    __slots__ = ()

    def run(self, context: NodeContext) -> NodeRun:
        return NodeResult(outputs={"list": self.data["list"]})
        yield  # a generator all the same


class _Copy(_Node):
    """Answers what it reads at `of`, which is also the branch it takes."""

    __slots__ = ()

    def run(self, context: NodeContext) -> NodeRun:
        value = context.variables.get(tuple(self.data["of"].split(".")))
        if isinstance(value, Missing):
            raise NodeFailure("nothing to copy")
        return NodeResult(outputs={"text": value}, handle=str(value))
        yield  # a generator all the same


class _Broken(_Node):
    __slots__ = ()

    def run(self, context: NodeContext) -> NodeRun:
        raise NodeFailure("broken", error_type="ValueError", outputs={"half": 1})
        yield  # a generator all the same


def _question(node_id: str, name: str) -> CallModel:
    message = ChatMessage(role="user", content=node_id)
    return CallModel(
        call=ChatCall(model="test/model", messages=(message,)),
        visible=lambda: _text_of,
        selector=(node_id, name),
    )


def _text_of(part: ChatPart) -> str:
    return part.text if isinstance(part, TextPart) else ""


def show_template(data: Data) -> tuple[OutputSegment, ...]:
    """`shows` lists literal text and, with a leading "@", dotted selectors."""
    return tuple(
        OutputSegment(selector=tuple(part[1:].split(".")))
        if part.startswith("@")
        else OutputSegment(text=part)
        for part in data["shows"]
    )


CATALOGUE: Mapping[str, NodeType] = {
    "begin": NodeType(type="begin", execution="root", parse=_Node),
    "pass": NodeType(type="pass", execution="executable", parse=_Node),
    "fork": NodeType(type="fork", execution="branch", parse=_Node),
    "ask": NodeType(type="ask", execution="executable", parse=_Ask, retryable=True),
    "duet": NodeType(type="duet", execution="executable", parse=_Duet, retryable=True),
    "chorus": NodeType(type="chorus", execution="executable", parse=_Chorus, retryable=True),
    "compute": NodeType(type="compute", execution="executable", parse=_Compute, retryable=True),
    "nap": NodeType(type="nap", execution="executable", parse=_Nap),
    "give": NodeType(type="give", execution="executable", parse=_Give),
    "copy": NodeType(type="copy", execution="executable", parse=_Copy),
    "switch": NodeType(type="switch", execution="branch", parse=_Copy),
    **{
        name: REAL[name]
        for name in (
            "assigner",
            "human-input",
            "sub-workflow",
            "iteration",
            "iteration-start",
            "loop",
            "loop-start",
            "loop-end",
        )
    },
    "broken": NodeType(type="broken", execution="executable", parse=_Broken, retryable=True),
    "show": NodeType(
        type="show", execution="response", parse=_Show, response_template=show_template
    ),
}


def definition(nodes: Mapping[str, Data], edges: Sequence[str]) -> WorkflowDefinition:
    """Nodes by id; edges as "a > b", or "a:handle > b" for a branch."""
    made: list[dict[str, Any]] = []
    for edge in edges:
        start, _, target = edge.partition(" > ")
        source, _, handle = start.partition(":")
        made.append({"source": source, "target": target} | _handle(handle))
    return WorkflowDefinition(
        mode="advanced-chat",
        graph={
            "nodes": [{"id": node_id, "data": dict(data)} for node_id, data in nodes.items()],
            "edges": made,  # pyright: ignore[reportArgumentType] - plain JSON
        },
    )


def workflow(nodes: Mapping[str, Data], edges: Sequence[str]) -> CompiledWorkflow:
    """Compiled, and fit to run."""
    compiled = compile_workflow(definition(nodes, edges), CATALOGUE)
    assert compiled.report.errors == ()
    return compiled


def _handle(handle: str) -> dict[str, Any]:
    return {"sourceHandle": handle} if handle else {}
