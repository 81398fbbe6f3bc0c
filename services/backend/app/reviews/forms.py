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
from services.backend.app.reviews.form_files import FormFiles
from services.backend.domain.identity.end_users import DEFAULT_SESSION

_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FormAnswer:
    """`digest`, where given, is that of what the answerer saw. The same `occasion` answers once,
    None each time. Uploaded files among the `inputs` are those of the user `session_id`."""

    action: str
    inputs: dict[str, JsonValue]
    actor: str | None
    digest: str | None = None
    occasion: str | None = None
    session_id: str = DEFAULT_SESSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Forms:
    """The engine keeps them. Every call raises Unavailable and UpstreamTimeout."""

    bus: MessageBus
    files: FormFiles

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
        unknown action, an input that does not fit or a file of others, another digest, late, or
        answered before."""
        inputs = answer.inputs
        if any(isinstance(value, dict | list) for value in inputs.values()):
            view = await self.view(tenant_id, form_id, app_id)
            inputs = await self.files.inputs(tenant_id, view, inputs, answer.session_id)
        occasion = answer.occasion
        submission = SubmitForm(
            tenant_id=tenant_id,
            form_id=form_id,
            app_id=app_id,
            command_id=uuid7() if occasion is None else uuid5(form_id, f"answer/{occasion}"),
            action=answer.action,
            inputs=inputs,
            actor=answer.actor,
            digest=answer.digest,
        )
        return await self.bus.request(
            SUBMIT_FORM,
            submission,
            envelope=Envelope(tenant_id=tenant_id),
            timeout=_SECONDS,
        )
