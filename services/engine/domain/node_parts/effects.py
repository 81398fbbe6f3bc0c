"""Effect requests: what a node generator may ask of the world, as data."""

from collections.abc import Callable
from typing import Literal, final

from libs.common.contracts.chat import ChatCall, ChatPart, ChatResult, ReasoningPart
from libs.common.contracts.child_runs import ChildCall, ChildOutcome
from libs.common.contracts.code_execution import CodeCall, CodeResult
from libs.common.contracts.command_execution import CommandCall, CommandResult
from libs.common.contracts.document_text import DocumentCall, DocumentText
from libs.common.contracts.form_deliveries import FormDelivery
from libs.common.contracts.forms import HumanAnswer, HumanForm
from libs.common.contracts.http_call import HttpCall, HttpResult
from libs.common.contracts.tool_call import ToolCall, ToolResult
from services.engine.domain.variables.record import record

PartFilter = Callable[[], Callable[[ChatPart], str]]
"""Makes a fresh fold over one generation's parts: each part in, the text it adds out.

Pure: the same parts always give the same text. The whole text is what the fold returned, joined."""


def provider_thoughts() -> Callable[[ChatPart], str]:
    """The part filter that keeps what the provider marks as reasoning."""

    def think(part: ChatPart) -> str:
        return part.text if isinstance(part, ReasoningPart) else ""

    return think


@final
@record
class CallModel:
    """One model call. Its `visible` text streams on `selector` (node id, name), if not None; so do
    its `thoughts`, to whoever listens at that moment."""

    call: ChatCall
    visible: PartFilter
    thoughts: PartFilter = provider_thoughts
    selector: tuple[str, ...] | None = None
    timeout_seconds: float = 600.0
    effect_class: Literal["model"] = "model"


@record
class RunCode:
    call: CodeCall
    timeout_seconds: float = 60.0
    effect_class: Literal["idempotent"] = "idempotent"


@record
class FetchHttp:
    """`effect_class` idempotent for GET and HEAD; keyed when the author says the target honours
    `Idempotency-Key`; unsafe otherwise."""

    call: HttpCall
    effect_class: Literal["idempotent", "keyed", "unsafe"]
    timeout_seconds: float = 600.0


@record
class CallTool:
    """The class is the careful one: the plugin service takes the one of the tool's sheet, which may
    allow more."""

    call: ToolCall
    timeout_seconds: float = 620.0
    effect_class: Literal["unsafe"] = "unsafe"


@record
class ReadDocument:
    call: DocumentCall
    timeout_seconds: float = 300.0
    effect_class: Literal["idempotent"] = "idempotent"


@record
class RunCommand:
    call: CommandCall
    timeout_seconds: float = 180.0
    effect_class: Literal["idempotent"] = "idempotent"


@final
@record
class Wait:
    """A timer inside the run: answered with None after `seconds`. Survives a takeover: the instant
    is journalled."""

    seconds: float


@final
@record
class AskHuman:
    """A form shown to people, answered with a HumanAnswer: with the action TIMED_OUT where nobody
    answers within `seconds`. `gives_up`: the run is stopped then, for this reason. `deliveries`:
    who is told of it; all others have to look."""

    form: HumanForm
    seconds: float
    gives_up: str | None = None
    deliveries: tuple[FormDelivery, ...] = ()


@final
@record
class RunWorkflow:
    """A run of another workflow, answered with a ChildOutcome once that run has ended, however it
    did."""

    call: ChildCall


SentEffect = CallModel | RunCode | FetchHttp | CallTool | ReadDocument | RunCommand
"""An effect that another service performs, under a key."""
EffectRequest = SentEffect | Wait | AskHuman | RunWorkflow
EffectResult = (
    ChatResult
    | CodeResult
    | HttpResult
    | ToolResult
    | DocumentText
    | CommandResult
    | HumanAnswer
    | ChildOutcome
    | None
)


class EffectError(Exception):
    """Thrown into a node generator where its effect ended without a result.

    `error_type` is the class name that the node's outputs will show.
    """

    def __init__(self, message: str, *, error_type: str, retryable: bool) -> None:
        super().__init__(message)
        self.message = message
        self.error_type = error_type
        self.retryable = retryable
