"""A call against its model's sheet, before anything is sent."""

from pydantic import JsonValue

from libs.common.contracts.chat import ChatCall, ImageContent, JsonObjectFormat, JsonSchemaFormat
from libs.common.errors import ErrorDetail, InvalidInput
from services.inference.domain.catalogue.catalogue import ResolvedModel
from services.inference.domain.catalogue.sheets import Capability, ParameterLimit
from services.inference.domain.errors import CapabilityMissing, ParameterRefused

_TYPES: dict[str, tuple[type, ...]] = {
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "string": (str,),
    "strings": (str, list),
    "object": (dict,),
}


def check_call(call: ChatCall, model: ResolvedModel) -> None:
    """Raises InvalidInput, CapabilityMissing or ParameterRefused when the model cannot serve it."""
    if model.sheet.type != "completion":
        msg = f"`{model.name}` is a {model.sheet.type} model; chat needs a completion model"
        raise CapabilityMissing(msg)
    if not call.messages:
        msg = "`messages` is empty"
        raise InvalidInput(msg, details=(ErrorDetail(pointer="/messages", message=msg),))
    _check_capabilities(call, model)
    for name, value in call.parameters.items():
        limit = model.sheet.parameters.get(name)
        if limit is not None and value is not None:
            _check_parameter(name, value, limit, model.name)


def _check_capabilities(call: ChatCall, model: ResolvedModel) -> None:
    wanted: list[Capability] = []
    if call.tools:
        wanted.append("tools")
    match call.response_format:
        case JsonSchemaFormat():
            wanted.append("json_schema")
        case JsonObjectFormat():
            wanted.append("json_object")
        case None:
            pass
    if any(
        isinstance(part, ImageContent)
        for message in call.messages
        if not isinstance(message.content, str)
        for part in message.content
    ):
        wanted.append("vision")
    missing = [name for name in wanted if name not in model.sheet.capabilities]
    if missing:
        msg = f"`{model.name}` has no capability {', '.join(missing)}"
        raise CapabilityMissing(msg)


def _check_parameter(name: str, value: JsonValue, limit: ParameterLimit, model: str) -> None:
    pointer = f"/{name}"
    right_type = isinstance(value, _TYPES[limit.type])
    if isinstance(value, bool) and limit.type != "boolean":
        right_type = False
    if not right_type:
        msg = f"`{name}` must be a {limit.type} for `{model}`"
        raise ParameterRefused(msg, details=(ErrorDetail(pointer=pointer, message=msg),))
    if not isinstance(value, int | float) or isinstance(value, bool):
        return
    below = limit.min is not None and value < limit.min
    above = limit.max is not None and value > limit.max
    if below or above:
        msg = f"`{name}` must be between {limit.min} and {limit.max} for `{model}`, not {value}"
        raise ParameterRefused(msg, details=(ErrorDetail(pointer=pointer, message=msg),))
