"""The names of our NATS headers, and the envelope as headers."""

import math
from uuid import UUID

from libs.common.contracts.envelope import Effect, Envelope
from libs.common.tracing import current_traceparent, current_tracestate

TENANT = "Heddle-Tenant"
TRACEPARENT = "traceparent"
TRACESTATE = "tracestate"
REMAINING_MS = "Heddle-Remaining-Ms"
SCHEMA = "Heddle-Schema"
EFFECT = "Heddle-Effect"
BODY_REF = "Heddle-Body-Ref"
SEALED = "Heddle-Sealed"
ERROR = "Heddle-Error"
SEQ = "Heddle-Seq"
END = "Heddle-End"
ALIVE = "Heddle-Alive"
CONTROL = "Heddle-Control"
IDLE_MS = "Heddle-Idle-Ms"
MESSAGE_ID = "Nats-Msg-Id"
ONLY_FOR = "Heddle-Only-For"
STATUS = "Status"
NO_RESPONDERS = "503"


def envelope_headers(envelope: Envelope) -> dict[str, str]:
    """The headers of `envelope`. Without a trace of its own the current one is sent."""
    headers: dict[str, str] = {}
    if envelope.tenant_id is not None:
        headers[TENANT] = str(envelope.tenant_id)
    traceparent, tracestate = envelope.traceparent, envelope.tracestate
    if traceparent is None:
        traceparent, tracestate = current_traceparent(), current_tracestate()
    if traceparent is not None:
        headers[TRACEPARENT] = traceparent
    if tracestate:
        headers[TRACESTATE] = tracestate
    if envelope.remaining_seconds is not None:
        headers[REMAINING_MS] = milliseconds(envelope.remaining_seconds)
    if envelope.schema_version != 1:
        headers[SCHEMA] = str(envelope.schema_version)
    if envelope.effect is not None:
        headers[EFFECT] = envelope.effect.model_dump_json()
    return headers | sealing_headers(envelope)


def sealing_headers(envelope: Envelope) -> dict[str, str]:
    """What tells a reader whose run the body is sealed for; nothing where it is not."""
    if envelope.sealed_run is None:
        return {}
    return {SEALED: f"{envelope.tenant_id}/{envelope.sealed_run}"}


def sealed_for(headers: dict[str, str]) -> tuple[UUID, UUID] | None:
    """The tenant and the run that a body is sealed for. Raises ValueError when malformed."""
    if SEALED not in headers:
        return None
    tenant, _, run = headers[SEALED].partition("/")
    return UUID(tenant), UUID(run)


def envelope_of(headers: dict[str, str] | None) -> Envelope:
    """The envelope that `headers` carry. Raises ValueError when they are malformed."""
    if not headers:
        return Envelope()
    tenant = headers.get(TENANT)
    remaining = headers.get(REMAINING_MS)
    effect = headers.get(EFFECT)
    sealed = sealed_for(headers)
    return Envelope(
        tenant_id=UUID(tenant) if tenant else None,
        traceparent=headers.get(TRACEPARENT),
        tracestate=headers.get(TRACESTATE),
        remaining_seconds=int(remaining) / 1000 if remaining else None,
        schema_version=int(headers.get(SCHEMA, "1")),
        effect=Effect.model_validate_json(effect) if effect else None,
        sealed_run=sealed[1] if sealed else None,
    )


def milliseconds(seconds: float) -> str:
    """A bound in whole milliseconds, never rounded to nothing."""
    return str(max(math.ceil(seconds * 1000), 1))
