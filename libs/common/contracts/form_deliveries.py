"""Who is told of a form, and how: what the engine rendered, and the messages that lead to it."""

from typing import Annotated, Literal
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field

from libs.common.contracts.forms import FormView


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class EmailDelivery(_Frozen):
    """`body` is plain text in parts: the link goes between each two of them."""

    channel: Literal["email"] = "email"
    to: str = Field(repr=False)
    subject: str = ""
    body: tuple[str, ...] = ()


class WebhookDelivery(_Frozen):
    """`url` may hold a secret of its receiver."""

    channel: Literal["webhook"] = "webhook"
    url: str = Field(repr=False)


FormDelivery = Annotated[EmailDelivery | WebhookDelivery, Field(discriminator="channel")]
Channel = Literal["email", "webhook"]


def delivery_id(form_id: UUID, delivery: FormDelivery) -> UUID:
    """The same for one form and recipient, however often it is told."""
    to = delivery.to.lower() if isinstance(delivery, EmailDelivery) else delivery.url
    return uuid5(form_id, f"{delivery.channel}/{to}")


class FormDeliveries(_Frozen):
    """The form as it stands, with what it shows, and who is to be told of it."""

    form: FormView
    deliveries: tuple[FormDelivery, ...] = ()


class FormOpened(_Frozen):
    """A form was stored, and somebody is to be told. Ids only: who it is stays in the engine."""

    tenant_id: UUID
    run_id: UUID
    app_id: UUID
    form_id: UUID


class DeliverForm(_Frozen):
    """Tell one recipient of a form, once by `delivery_id`."""

    tenant_id: UUID
    form_id: UUID
    delivery_id: UUID
