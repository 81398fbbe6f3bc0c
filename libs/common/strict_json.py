"""Request bodies as JSON that every part of the platform can hold.

What Python's own reader takes beyond the standard (NaN, half of a surrogate pair, any depth) could
be accepted here and not be written, sent or read again further on.
"""

import asyncio
import math
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import JsonValue
from pydantic_core import from_json

from libs.common.errors import ErrorDetail, InvalidInput

MOST_NESTED = 100
"""Lists and objects inside each other. Stored and sent, a value stands a few levels deeper, and
readers give up at 200."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LARGE = 256 * 1024
_LOOKED_AT = (list, dict, float)


def read_json(body: bytes) -> JsonValue:
    """The value that `body` (UTF-8) says. Raises InvalidInput for what is not JSON, numbers beyond
    a double among it, and for more than 100 levels."""
    try:
        value = from_json(body.removeprefix(_BYTE_ORDER_MARK), allow_inf_nan=False)
    except ValueError as error:
        raise _refused(f"not JSON: {error}") from error
    _check(value)
    return value


def _check(value: JsonValue) -> None:
    level: list[JsonValue] = [value]
    nested = 0
    while level:
        inner: list[JsonValue] = []
        for each in level:
            if isinstance(each, list):
                inner.extend(part for part in each if isinstance(part, _LOOKED_AT))
            elif isinstance(each, dict):
                inner.extend(part for part in each.values() if isinstance(part, _LOOKED_AT))
            elif isinstance(each, float) and not math.isfinite(each):
                raise _refused("a number is out of range")
        if nested == MOST_NESTED and any(isinstance(each, list | dict) for each in level):
            raise _refused(f"nested more than {MOST_NESTED} deep")
        nested += 1
        level = inner


class StrictJsonRoute(APIRoute):
    """A route whose JSON body is read by `read_json`; for `APIRouter(route_class=...)`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handler(_StrictRequest(request.scope, request.receive))

        return strict


class _StrictRequest(Request):
    async def json(self) -> JsonValue:
        body = await self.body()
        if len(body) > _LARGE:
            return await asyncio.to_thread(read_json, body)
        return read_json(body)


def _refused(message: str) -> InvalidInput:
    return InvalidInput(
        f"The body cannot be taken: {message}", details=(ErrorDetail(pointer="", message=message),)
    )
