"""Narrows what a generator was sent to what it asked for."""

from typing import TypeVar

from services.engine.domain.node_parts.effects import EffectResult
from services.engine.domain.node_parts.frames import FramesDone

_Result = TypeVar("_Result")


def expect(
    kind: type[_Result], result: EffectResult | tuple[EffectResult, ...] | FramesDone
) -> _Result:
    """`result` as a `kind`.

    Raises TypeError for anything else: the engine answered another request than was made.
    """
    if not isinstance(result, kind):
        raise TypeError(f"asked for {kind.__name__}, was answered {type(result).__name__}")
    return result
