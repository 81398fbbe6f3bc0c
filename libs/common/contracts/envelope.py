"""What travels beside every message."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

EffectClass = Literal["idempotent", "keyed", "unsafe", "model"]


class Effect(BaseModel):
    """The identity of one external effect of a run.

    `key` is `tenant/run/node/frame_path/attempt/call`; `request_hash` is the SHA-256 hex digest of
    the canonical request without trace, deadline and epoch. `epoch` fences stale owners.
    """

    model_config = ConfigDict(frozen=True)

    run_id: UUID
    epoch: int
    key: str
    request_hash: str
    effect_class: EffectClass


class Envelope(BaseModel):
    """Tenant, trace context (W3C), remaining time, schema version, and the effect if it is one.

    `tenant_id` None: a platform message that belongs to no tenant. `remaining_seconds` None: no
    caller waits. The instant is recomputed at every hop; no wall-clock deadline crosses a wall.
    `sealed_run`: the body and what is answered hold data of this run that must stay sealed.
    """

    model_config = ConfigDict(frozen=True)

    tenant_id: UUID | None = None
    traceparent: str | None = None
    tracestate: str | None = None
    remaining_seconds: float | None = None
    schema_version: int = 1
    effect: Effect | None = None
    sealed_run: UUID | None = None


def without_deadline(envelope: Envelope) -> Envelope:
    """For what is kept: it outlives whoever waited when it was sent."""
    if envelope.remaining_seconds is None:
        return envelope
    return envelope.model_copy(update={"remaining_seconds": None})
