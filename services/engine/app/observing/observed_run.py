"""A claim as layers see it."""

from collections.abc import Mapping

from services.engine.app.ports.run_store import Claim
from services.engine.domain.execution.effect_keys import run_scope
from services.engine.domain.graph.node_labels import NodeLabel
from services.engine.domain.layers.layer import ObservedRun
from services.engine.domain.variables.secret_mask import SecretMask


def observed_run(
    claim: Claim, labels: Mapping[str, NodeLabel], mask: SecretMask | None
) -> ObservedRun:
    request = claim.request
    return ObservedRun(
        tenant_id=request.tenant_id,
        run_id=request.run_id,
        app_id=request.app_id,
        workflow_hash=request.workflow_hash,
        scope=run_scope(request.tenant_id, request.run_id),
        epoch=claim.epoch,
        takeovers=claim.takeovers,
        traceparent=request.traceparent,
        labels=labels,
        mask=mask,
    )
