"""Forms that runs show to people, on the native API."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from libs.common.contracts.forms import FormAction, FormField, FormsQuery, FormStatus, FormView
from libs.common.strict_json import StrictJsonRoute
from services.backend.app.reviews.form_links import FormLinks
from services.backend.app.reviews.forms import FormAnswer, Forms
from services.backend.domain.identity.keys import Principal
from services.backend.interface.http.callers import CallerOf

Limit = Annotated[int, Query(ge=1, le=100)]


class FormLineView(BaseModel):
    """A form in a list. Times are Unix seconds."""

    form_id: UUID
    run_id: UUID
    app_id: UUID
    node_id: str
    frame_path: str
    status: FormStatus
    title: str
    opened_at: float
    expires_at: float
    actor: str | None
    acted_at: float | None
    action: str | None


class FormLines(BaseModel):
    """Newest first. `has_more`: ask again with `before` the last form's id."""

    forms: list[FormLineView]
    has_more: bool


class WholeForm(FormLineView):
    """`digest` is that of what is shown; `link` leads whoever has it to a page on which the form
    can be answered, relative to this API's address."""

    digest: str
    content: str
    fields: list[FormField]
    actions: list[FormAction]
    inputs: dict[str, JsonValue]
    link: str


class AnswerBody(BaseModel):
    """`action` is the id of one of the form's. With a `digest` the answer is taken only while the
    form shows that. `actor` names who answered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: str
    inputs: dict[str, JsonValue] = {}
    actor: str | None = Field(default=None, max_length=255)
    digest: str | None = None


class FormAnswered(BaseModel):
    """`run_status` is that of the form's run at that moment."""

    form_id: UUID
    run_id: UUID
    run_status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeFormDoor:
    caller: CallerOf
    forms: Forms
    links: FormLinks


def native_form_router(door: NativeFormDoor) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["forms"], route_class=StrictJsonRoute)
    workspace = Depends(door.caller.of("adm", "ws"))

    @router.get("/forms")
    async def forms(
        who: Annotated[Principal, workspace],
        status: FormStatus | None = None,
        run_id: UUID | None = None,
        app_id: UUID | None = None,
        before: UUID | None = None,
        limit: Limit = 50,
    ) -> FormLines:
        """The workspace's forms, newest first."""
        found = await door.forms.list(
            FormsQuery(
                tenant_id=who.tenant_id,
                run_id=run_id,
                app_id=app_id,
                status=status,
                before=before,
                limit=limit,
            )
        )
        return FormLines(forms=[_line(form) for form in found.forms], has_more=found.more)

    @router.get("/forms/{form_id}")
    async def form(form_id: UUID, who: Annotated[Principal, workspace]) -> WholeForm:
        view = await door.forms.view(who.tenant_id, form_id)
        assert view.form is not None, "a form is found with what it shows"
        token = door.links.token(who.tenant_id, form_id, view.expires_at)
        return WholeForm(
            **_line(view).model_dump(),
            digest=view.digest,
            content=view.form.content,
            fields=[*view.form.fields],
            actions=[*view.form.actions],
            inputs=view.inputs,
            link=f"/review/{token}",
        )

    @router.post("/forms/{form_id}/submit", status_code=202)
    async def submit(
        form_id: UUID,
        body: AnswerBody,
        who: Annotated[Principal, workspace],
        idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
    ) -> FormAnswered:
        """Answer the form. The first answer stands; durable when answered."""
        answer = FormAnswer(
            action=body.action,
            inputs=body.inputs,
            actor=body.actor,
            digest=body.digest,
            occasion=idempotency_key,
        )
        done = await door.forms.submit(who.tenant_id, form_id, answer)
        return FormAnswered(form_id=form_id, run_id=done.run_id, run_status=done.run_status)

    _ = (forms, form, submit)
    return router


def _line(form: FormView) -> FormLineView:
    return FormLineView(
        form_id=form.form_id,
        run_id=form.run_id,
        app_id=form.app_id,
        node_id=form.node_id,
        frame_path=form.frame_path,
        status=form.status,
        title=form.title,
        opened_at=form.opened_at,
        expires_at=form.expires_at,
        actor=form.actor,
        acted_at=form.acted_at,
        action=form.action,
    )
