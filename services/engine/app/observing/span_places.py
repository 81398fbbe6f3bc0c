"""Where a run's spans stand in its trace, the same for every worker that ever owns the run.

The id of a span follows from what it is about. So an effect can name the span of its node, and a
node that of its run, long before those end, and whichever worker sees the end sends the span.
"""

import hashlib

from libs.common.tracing import child_of, is_collecting, is_sampled, trace_id_of
from services.engine.app.ports.run_store import Claim
from services.engine.domain.execution.effect_keys import run_scope

_SPAN_ID_BYTES = 8


class SpanPlaces:
    """The places of one run whose acceptance was part of the trace `accepted` (a traceparent)."""

    __slots__ = ("accepted", "scope")

    def __init__(self, claim: Claim, accepted: str) -> None:
        self.accepted = accepted
        self.scope = run_scope(claim.tenant_id, claim.run_id)

    @property
    def run(self) -> str:
        """The traceparent of the run's span."""
        return self._at(self.scope)

    def node(self, node_id: str, frame: str) -> str:
        """The traceparent of one node execution's span. `frame` "" is the run's own."""
        return self._at(f"{self.scope}/{node_id}/{frame or '-'}")

    def of_effect(self, key: str) -> str:
        """The traceparent of the node span that the effect `key` belongs to."""
        return self._at(key.rsplit("/", 2)[0])

    def _at(self, place: str) -> str:
        digest = hashlib.blake2b(place.encode("utf-8", "surrogatepass"), digest_size=_SPAN_ID_BYTES)
        return child_of(self.accepted, digest.hexdigest())


def span_places(claim: Claim) -> SpanPlaces | None:
    """None where nobody collects this run's spans."""
    accepted = claim.request.traceparent
    if accepted is None or not is_collecting() or trace_id_of(accepted) is None:
        return None
    return SpanPlaces(claim, accepted) if is_sampled(accepted) else None
