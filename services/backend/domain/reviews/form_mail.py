"""What a mail about a form says: plain text, and HTML that holds nothing but text and links."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from uuid import UUID

from libs.common.contracts.form_deliveries import EmailDelivery
from libs.common.contracts.forms import HumanForm
from services.backend.domain.reviews.shown_text import one_line, plain_text

_SUBJECT_CHARACTERS = 200
_LINK = re.compile(r"https?://[^\s<>]+\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class FormMail:
    """One mail to one recipient. `delivery_id` names it for ever: who gets it twice can tell."""

    delivery_id: UUID
    to: str = field(repr=False)
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)


def form_mail(
    form: HumanForm, delivery: EmailDelivery, *, delivery_id: UUID, link: str, expires_at: float
) -> FormMail:
    """Where the author wrote no text the form's content stands, and where no place for the link is
    it goes below. `expires_at` is Unix seconds."""
    assert _LINK.match(link), "the link is ours"
    written = any(part.strip() for part in delivery.body)
    parts = [plain_text(part) for part in delivery.body] if written else [_content(form), ""]
    if len(parts) == 1:
        parts = [f"{parts[0]}\n\n", ""]
    title, until = one_line(form.title, _SUBJECT_CHARACTERS), _until(expires_at)
    return FormMail(
        delivery_id=delivery_id,
        to=delivery.to,
        subject=one_line(delivery.subject, _SUBJECT_CHARACTERS) or title,
        text=f"{title}\n\n{link.join(parts)}\n\n{until}\n",
        html=_html(title, parts, link, until),
    )


def _content(form: HumanForm) -> str:
    return f"{plain_text(form.content)}\n\n"


def _until(expires_at: float) -> str:
    at = datetime.fromtimestamp(expires_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"It can be answered until {at}. Whoever has the link can answer: keep it to yourself."


def _html(title: str, parts: list[str], link: str, until: str) -> str:
    target = escape(link)
    body = f'<a href="{target}">{target}</a>'.join(map(_lines, parts))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title></head><body><h1>{escape(title)}</h1>"
        f"<p>{body}</p><p><small>{escape(until)}</small></p></body></html>"
    )


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>\n")
