"""What becomes of a layer that raises: it is counted and logged, and nothing else."""

import logging
from collections.abc import Callable

from services.engine.domain.layers.layer import ObservedRun
from services.engine.domain.layers.layer_stack import OnFailure

_log = logging.getLogger(__name__)


def noted_failures(count: Callable[[str], None]) -> OnFailure:
    """`count` is told the layer's name."""

    def failed(layer: str, run: ObservedRun, error: Exception) -> None:
        count(layer)
        words = f"{type(error).__name__}: {error}"
        # Its words may quote a secret, and a traceback repeats them.
        shown = words if run.mask is None else run.mask.text(words)
        traceback = error if run.mask is None else None
        _log.error("layer %s failed on run %s: %s", layer, run.run_id, shown, exc_info=traceback)

    return failed
