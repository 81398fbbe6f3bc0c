"""What an error of a keyed call means to the run that made it."""

from enum import Enum

from libs.common.errors import Busy, HeddleError, PlatformFault, Unavailable
from services.engine.domain.node_parts.effects import EffectError


class Meaning(Enum):
    """SILENCE: nothing is known, ask again under the same key. SUPERSEDED: the run has another
    owner or has ended. UNKNOWN: the call may have had its effect, and nobody can tell. DEFINITE:
    the callee has the failure on record."""

    SILENCE = "silence"
    SUPERSEDED = "superseded"
    UNKNOWN = "unknown"
    DEFINITE = "definite"


def meaning_of(error: HeddleError) -> Meaning:
    """Judged by the stable code. Errors of the platform are silence, unless the callee says that it
    has them on record: asking again would only bring the record."""
    if error.code in ("stale_epoch", "run_ended"):
        return Meaning.SUPERSEDED
    if error.code == "outcome_unknown":
        return Meaning.UNKNOWN
    if error.extra.get("recorded"):
        return Meaning.DEFINITE
    if isinstance(error, Unavailable | Busy) or (
        isinstance(error, PlatformFault) and error.retryable
    ):
        return Meaning.SILENCE
    return Meaning.DEFINITE


def effect_error(error: HeddleError) -> EffectError:
    """The error as the node's generator sees it."""
    return EffectError(error.message, error_type=_name(error), retryable=error.retryable)


def _name(error: HeddleError) -> str:
    # An error of another service's own arrives as what it is derived from; its code tells more.
    if error.code == type(error).code:
        return type(error).__name__
    return "".join(word.capitalize() for word in error.code.split("_"))


def out_of_time(seconds: float) -> EffectError:
    """No answer within the effect's own bound: nobody recorded an end, so no new attempt."""
    return EffectError(
        f"No answer within {seconds:g} s.", error_type="EffectTimeout", retryable=False
    )
