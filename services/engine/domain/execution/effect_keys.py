"""The identity of an effect: its key, and the hash of what it asks."""

import hashlib
import json
from uuid import UUID, uuid5

from libs.common.contracts.forms import form_digest
from libs.common.identifiers import uuid7_of
from services.engine.domain.events.journal import EffectDispatched
from services.engine.domain.node_parts.effects import (
    AskHuman,
    EffectRequest,
    RunWorkflow,
    SentEffect,
    Wait,
)


def run_scope(tenant_id: UUID, run_id: UUID) -> str:
    """What every key of a run begins with."""
    return f"{tenant_id}/{run_id}"


def effect_key(scope: str, node_id: str, frame: str, attempt: int, call: int) -> str:
    """`tenant/run/node/frame_path/attempt/call`; "-" stands for the run's own frame."""
    return f"{scope}/{node_id}/{frame or '-'}/{attempt}/{call}"


def form_id(run_id: UUID, key: str) -> UUID:
    """The id of the form that the effect `key` asks for."""
    return uuid5(run_id, f"form/{key}")


def child_run_id(run_id: UUID, key: str) -> UUID:
    """The id of the run that the effect `key` calls: of its parent's time, so that both lie in the
    same part of the journal."""
    return uuid7_of(run_id, key)


def request_hash(request: SentEffect | RunWorkflow) -> str:
    """SHA-256 hex digest of the request as JSON with sorted keys."""
    content = json.dumps(
        request.call.model_dump(mode="json"),
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def is_same_request(known: EffectDispatched, request: EffectRequest) -> bool:
    """Whether `request` asks for what the journal says was sent under the same key."""
    if isinstance(request, Wait):
        return known.effect_class == "timer"
    if isinstance(request, AskHuman):
        return known.request_hash == form_digest(request.form)
    if isinstance(request, RunWorkflow):
        # What the child was given is stored with it.
        return known.effect_class == "child"
    return known.request_hash == request_hash(request)
