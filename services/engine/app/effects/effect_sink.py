"""Where the outcome of an effect goes: the run that asked for it."""

from collections.abc import Sequence
from typing import Protocol

from libs.common.contracts.chat import ChatPart
from services.engine.domain.node_parts.effects import EffectError, EffectResult


class EffectSink(Protocol):
    def parts(self, key: str, parts: Sequence[ChatPart]) -> None:
        """Live parts of a model call, in order; after a reconnection from their start again."""
        ...

    def complete(self, key: str, result: EffectResult) -> None: ...

    def fail(self, key: str, error: EffectError, *, definite: bool) -> None:
        """`definite` True: the callee recorded the failure, so a retry is another attempt."""
        ...

    def superseded(self, reason: str) -> None:
        """A callee has seen a higher epoch of the run, or its end: this owner must stop."""
        ...
