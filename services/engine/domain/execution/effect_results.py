"""Results of effects on their way into the journal and out of it."""

from typing import assert_never, cast

from libs.common.contracts.chat import ChatResult, Completed, ReasoningPart, TextPart
from libs.common.contracts.child_runs import ChildOutcome
from libs.common.contracts.code_execution import CodeResult
from libs.common.contracts.command_execution import CommandResult
from libs.common.contracts.document_text import DocumentText
from libs.common.contracts.forms import HumanAnswer
from libs.common.contracts.http_call import HttpResult
from libs.common.contracts.tool_call import ToolResult
from services.engine.domain.events.journal import EffectCompleted
from services.engine.domain.node_parts.effects import (
    AskHuman,
    CallModel,
    CallTool,
    EffectRequest,
    EffectResult,
    FetchHttp,
    ReadDocument,
    RunCode,
    RunCommand,
    RunWorkflow,
    Wait,
)
from services.engine.domain.variables.values import Value


def completed(key: str, request: EffectRequest, result: EffectResult, at: float) -> EffectCompleted:
    """The journal's form of a result, with the text that it shows."""
    if result is None:
        return EffectCompleted(at=at, key=key, result=None)
    dumped = cast("Value", result.model_dump(mode="json"))
    if (
        not isinstance(request, CallModel)
        or not isinstance(result, ChatResult)
        or request.selector is None
    ):
        return EffectCompleted(at=at, key=key, result=dumped)
    return EffectCompleted(
        at=at,
        key=key,
        result=dumped,
        visible=visible_text(request, result),
        selector=list(request.selector),
        generation=result.generation,
    )


def visible_text(request: CallModel, result: ChatResult) -> str:
    """What the part filter shows of a whole generation; the same as it showed piece by piece."""
    show = request.visible()
    shown = [show(ReasoningPart(text=result.reasoning))] if result.reasoning else []
    shown.append(show(TextPart(text=result.text)))
    shown.append(show(Completed(result=result)))
    return "".join(shown)


def restored(request: EffectRequest, value: Value) -> EffectResult:
    """A journalled result as the generator that asked for it expects it."""
    match request:
        case Wait():
            return None
        case CallModel():
            return ChatResult.model_validate(value)
        case RunCode():
            return CodeResult.model_validate(value)
        case FetchHttp():
            return HttpResult.model_validate(value)
        case CallTool():
            return ToolResult.model_validate(value)
        case ReadDocument():
            return DocumentText.model_validate(value)
        case RunCommand():
            return CommandResult.model_validate(value)
        case AskHuman():
            return HumanAnswer.model_validate(value)
        case RunWorkflow():
            return ChildOutcome.model_validate(value)
        case _:
            assert_never(request)
