"""Forms that runs show to people: found, read and answered."""

from dataclasses import dataclass
from uuid import UUID, uuid5

from pydantic import JsonValue

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.forms import (
    FormList,
    FormQuery,
    FormsQuery,
    FormSubmitted,
    FormView,
    SubmitForm,
)
from libs.common.contracts.subjects import FORM, FORMS, SUBMIT_FORM
from libs.common.identifiers import uuid7
from libs.common.messaging.bus import MessageBus

_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FormAnswer:
    """`digest`, where given, is that of what the answerer saw. The same `occasion` answers once,
    None each time."""

    action: str
    inputs: dict[str, JsonValue]
    actor: str | None
    digest: str | None = None
    occasion: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forms:
    """The engine keeps them. Every call raises Unavailable and UpstreamTimeout."""

    bus: MessageBus

    async def view(self, tenant_id: UUID, form_id: UUID, app_id: UUID | None = None) -> FormView:
        """`app_id` None: of any of the tenant's apps. Raises NotFound."""
        return await self.bus.request(
            FORM,
            FormQuery(tenant_id=tenant_id, form_id=form_id, app_id=app_id),
            envelope=Envelope(tenant_id=tenant_id),
            timeout=_SECONDS,
        )

    async def list(self, query: FormsQuery) -> FormList:
        return await self.bus.request(
            FORMS, query, envelope=Envelope(tenant_id=query.tenant_id), timeout=_SECONDS
        )

    async def submit(
        self, tenant_id: UUID, form_id: UUID, answer: FormAnswer, app_id: UUID | None = None
    ) -> FormSubmitted:
        """Durable when it returns. Raises CallerError where the answer is not taken: NotFound, an
        unknown action, an input that does not fit, another digest, late, or answered before."""
        occasion = answer.occasion
        submission = SubmitForm(
            tenant_id=tenant_id,
            form_id=form_id,
            app_id=app_id,
            command_id=uuid7() if occasion is None else uuid5(form_id, f"answer/{occasion}"),
            action=answer.action,
            inputs=answer.inputs,
            actor=answer.actor,
            digest=answer.digest,
        )
        return await self.bus.request(
            SUBMIT_FORM,
            submission,
            envelope=Envelope(tenant_id=tenant_id),
            timeout=_SECONDS,
        )
