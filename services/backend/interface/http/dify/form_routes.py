"""Forms of paused runs on Dify's wire."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, JsonValue

from libs.common.contracts.forms import FormView
from libs.common.errors import Conflict, NotFound
from libs.common.strict_json import StrictJsonRoute
from services.backend.app.reviews.form_links import FormLinks
from services.backend.app.reviews.forms import FormAnswer, Forms
from services.backend.domain.identity.keys import Principal
from services.backend.interface.http.callers import CallerOf, app_of
from services.backend.interface.http.dify.bodies import user_or_default
from services.backend.interface.http.dify.errors import ERRORS
from services.backend.interface.http.dify.pause_payloads import form_definition

# The same for what is no token: nobody learns whether one of others is well-formed.
_NO_FORM = "Form not found"


class FormClosed(Conflict):
    """The form is no longer open; the message says why."""

    code = "form_closed"
    status = 412
    title = "The form is closed"


class FormAnswerBody(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    inputs: dict[str, JsonValue] = {}
    action: str
    user: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FormDoor:
    caller: CallerOf
    forms: Forms
    links: FormLinks

    async def view(self, who: Principal, token: str) -> FormView:
        """Raises NotFound for a token of another tenant or app."""
        try:
            address = self.links.address(token)
        except NotFound:
            raise NotFound(_NO_FORM) from None
        if address.tenant_id != who.tenant_id:
            raise NotFound(_NO_FORM)
        return await self.forms.view(who.tenant_id, address.form_id, app_of(who))


def form_router(door: FormDoor) -> APIRouter:
    router = APIRouter(
        prefix="/v1", tags=["dify: forms"], route_class=StrictJsonRoute, responses=ERRORS
    )
    app_key = Depends(door.caller.of("app"))

    @router.get("/form/human_input/{form_token}")
    async def show(form_token: str, who: Annotated[Principal, app_key]) -> dict[str, JsonValue]:
        view = await door.view(who, form_token)
        if view.status != "open" or view.form is None:
            raise FormClosed(f"The form is {view.status}.")
        shown = form_definition(view.form)
        shown["user_actions"] = shown.pop("actions")
        return {**shown, "expiration_time": int(view.expires_at)}

    @router.post("/form/human_input/{form_token}")
    async def submit(
        form_token: str, body: FormAnswerBody, who: Annotated[Principal, app_key]
    ) -> dict[str, JsonValue]:
        view = await door.view(who, form_token)
        user = user_or_default(body.user)
        answer = FormAnswer(
            action=body.action, inputs=body.inputs, actor=f"user:{user}", session_id=user
        )
        await door.forms.submit(who.tenant_id, view.form_id, answer, app_of(who))
        return {}

    _ = (show, submit)
    return router
