"""The fact that somebody is to be told of a form, as its outbox row says it."""

from uuid import UUID

from libs.common.contracts.form_deliveries import FormOpened
from services.engine.app.ports.run_store import Claim


def form_opened(claim: Claim, form_id: UUID) -> FormOpened:
    return FormOpened(
        tenant_id=claim.tenant_id,
        run_id=claim.run_id,
        app_id=claim.request.app_id,
        form_id=form_id,
    )
