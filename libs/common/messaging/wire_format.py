"""Messages and errors as bytes, the same for every bus."""

from typing import TypeVar

import structlog
from pydantic import BaseModel, ValidationError

from libs.common.errors import ErrorDetail, HeddleError, InvalidInput, PlatformFault, WireError

M = TypeVar("M", bound=BaseModel)

_log = structlog.get_logger("heddle.messaging")


def to_bytes(message: BaseModel | bytes) -> bytes:
    """Bytes are the JSON of a message that was written before."""
    if isinstance(message, bytes):
        return message
    # model_dump_json would make a str that has to be encoded once more.
    return message.__pydantic_serializer__.to_json(message)


def request_of(model: type[M], body: bytes) -> M:
    """What a caller sent. Raises InvalidInput: the caller must change it."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise InvalidInput(f"not a {model.__name__}", details=tuple(_details(error))) from error


def reply_of(model: type[M], body: bytes) -> M:
    """What a service answered. Raises PlatformFault: the services don't fit together."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise PlatformFault(f"an answer that is not a {model.__name__}") from error


def error_bytes(error: BaseException, subject: str) -> bytes:
    """The transferable form of whatever a handler raised; the unexpected is logged here."""
    if not isinstance(error, HeddleError):
        _log.error("handler_failed", subject=subject, exc_info=error)
        error = HeddleError(f"An unexpected error while serving {subject}.")
    return to_bytes(WireError.of(error))


def error_of(body: bytes) -> HeddleError:
    """The error that a service answered with."""
    try:
        return WireError.model_validate_json(body).to_error()
    except ValidationError:
        return PlatformFault("an error that cannot be read")


def _details(error: ValidationError) -> list[ErrorDetail]:
    return [
        ErrorDetail(
            pointer="".join(f"/{_escaped(part)}" for part in found["loc"]), message=found["msg"]
        )
        for found in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def _escaped(part: int | str) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")
