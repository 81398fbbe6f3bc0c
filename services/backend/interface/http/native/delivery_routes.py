"""Who is told of forms, on the native API."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel

from libs.common.strict_json import StrictJsonRoute
from services.backend.app.reviews.show_deliveries import ShownDelivery
from services.backend.app.reviews.telling import Telling
from services.backend.domain.identity.keys import Principal
from services.backend.interface.http.callers import CallerOf

WebhookUrl = Annotated[str, Query(min_length=1, max_length=2048)]


class DeliveryView(BaseModel):
    """`to` is an e-mail address or an URL. `status`: waiting, sending, sent, failed (it is tried
    again, or has become a dead letter), refused (a dead letter), closed (the form was over before)
    or untold (there is no mail server). `changed_at` is Unix seconds."""

    delivery_id: UUID
    channel: str
    to: str
    status: str
    attempts: int
    changed_at: float | None
    error: str | None


class DeliveryList(BaseModel):
    deliveries: list[DeliveryView]


class WebhookSecretView(BaseModel):
    """As the receiver's library for Standard Webhooks takes it."""

    secret: str


def native_delivery_router(caller: CallerOf, telling: Telling) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["forms"], route_class=StrictJsonRoute)
    workspace = Depends(caller.of("adm", "ws"))

    @router.get("/forms/{form_id}/deliveries")
    async def deliveries(form_id: UUID, who: Annotated[Principal, workspace]) -> DeliveryList:
        """Who is told of the form, and what became of it."""
        shown = await telling.show(who.tenant_id, form_id)
        return DeliveryList(deliveries=[_view(each) for each in shown])

    @router.get("/apps/{app_id}/webhook-secret")
    async def webhook_secret(
        app_id: UUID, url: WebhookUrl, who: Annotated[Principal, workspace], response: Response
    ) -> WebhookSecretView:
        """What the app's webhooks to `url` are signed with; always the same."""
        response.headers["Cache-Control"] = "no-store"
        return WebhookSecretView(secret=await telling.show_secret(who.tenant_id, app_id, url))

    _ = (deliveries, webhook_secret)
    return router


def _view(shown: ShownDelivery) -> DeliveryView:
    record = shown.record
    return DeliveryView(
        delivery_id=shown.delivery_id,
        channel=shown.channel,
        to=shown.to,
        status="waiting" if record is None else record.status,
        attempts=0 if record is None else record.attempts,
        changed_at=None if record is None else record.changed_at.timestamp(),
        error=None if record is None else record.last_error,
    )
