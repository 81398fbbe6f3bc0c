"""What a webhook about a form carries, and its signature as Standard Webhooks has it."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from libs.common.contracts.forms import FormView
from services.backend.domain.reviews.shown_text import one_line, plain_text

EVENT = "form.opened"
_SECRET_PREFIX = "whsec_"  # noqa: S105 - what secrets begin with
_TITLE_CHARACTERS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class FormHook:
    """One message to one receiver."""

    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)


def form_hook(
    form: FormView, url: str, *, delivery_id: UUID, link: str, secrets: Sequence[bytes], at: float
) -> FormHook:
    """`secrets` sign it, each for itself; `at` is the instant of this try, Unix seconds."""
    body = _body(form, link)
    headers = signed_headers(str(delivery_id), int(at), body, secrets)
    return FormHook(url=url, headers=(("Content-Type", "application/json"), *headers), body=body)


def signed_headers(
    message_id: str, at: int, body: bytes, secrets: Sequence[bytes]
) -> tuple[tuple[str, str], ...]:
    """A receiver takes the message where one of the signatures is that of its secret."""
    signed = b".".join((message_id.encode(), str(at).encode(), body))
    return (
        ("webhook-id", message_id),
        ("webhook-timestamp", str(at)),
        ("webhook-signature", " ".join(_signature(secret, signed) for secret in secrets)),
    )


def shown_secret(secret: bytes) -> str:
    """A secret as its receiver is given it."""
    return _SECRET_PREFIX + base64.b64encode(secret).decode()


def _signature(secret: bytes, signed: bytes) -> str:
    digest = hmac.digest(secret, signed, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def _body(form: FormView, link: str) -> bytes:
    """The same for every try: what happened, not when it was told."""
    assert form.form is not None, "a form is told with what it shows"
    data = {
        "form_id": str(form.form_id),
        "run_id": str(form.run_id),
        "app_id": str(form.app_id),
        "node_id": form.node_id,
        "frame_path": form.frame_path,
        "title": one_line(form.title, _TITLE_CHARACTERS),
        "content": plain_text(form.form.content),
        "fields": [field.model_dump(mode="json") for field in form.form.fields],
        "actions": [action.model_dump(mode="json") for action in form.form.actions],
        "digest": form.digest,
        "expires_at": form.expires_at,
        "link": link,
    }
    opened = datetime.fromtimestamp(form.opened_at, UTC).isoformat()
    return json.dumps({"type": EVENT, "timestamp": opened, "data": data}).encode()
