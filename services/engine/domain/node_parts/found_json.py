"""JSON objects inside a model's answer: between fences, after prose, alone."""

import json
import math
from collections.abc import Iterator
from typing import cast

from services.engine.domain.variables.values import Value

MOST_TRIES = 100
"""Opening braces at which an object is looked for; what begins nothing further on is not found."""
_LEAST, _MOST = -(2**63), 2**64 - 1


def whole_number(text: str) -> int | float | None:
    """`text` as an integer; as a float beyond 64 bits, None beyond those. Raises ValueError."""
    number = int(text)
    return number if _LEAST <= number <= _MOST else real_number(text)


def real_number(text: str) -> float | None:
    """`text` as a float, None where that is infinite or no number. Raises ValueError."""
    number = float(text)
    return number if math.isfinite(number) else None


def _no_number(_: str) -> None:
    return None


# A run's journal holds 64-bit integers and finite floats; other numbers become null.
_DECODER = json.JSONDecoder(
    parse_int=whole_number, parse_float=real_number, parse_constant=_no_number, strict=False
)


def objects_in(text: str) -> Iterator[dict[str, Value]]:
    """The objects that begin at a brace of `text`, in order; those inside others are not told."""
    position = 0
    for _ in range(MOST_TRIES):
        position = text.find("{", position)
        if position < 0:
            return
        try:
            # An opening brace can only begin an object.
            found, end = cast("tuple[dict[str, Value], int]", _DECODER.raw_decode(text, position))
        except (ValueError, RecursionError):
            position += 1
            continue
        yield found
        position = end
