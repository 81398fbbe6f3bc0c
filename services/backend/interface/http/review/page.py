"""A form as a page for people: plain HTML that needs no script, every text escaped."""

import base64
import hashlib
import re
from html import escape

from libs.common.contracts.forms import FormField, FormView, HumanForm

FILE_TYPES = frozenset({"file", "file-list"})
_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:42rem;margin:2rem auto;padding:0 1rem}"
    "pre{white-space:pre-wrap;font:inherit}label{display:block;font-weight:600;margin-top:1rem}"
    "textarea,select{width:100%;font:inherit}button{font:inherit;padding:.5rem 1rem;margin:1rem "
    "1rem 0 0}small{color:#555;overflow-wrap:anywhere}"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_PLACE = re.compile(r"\{\{#\$outputs?\.([a-zA-Z_][a-zA-Z0-9_]{0,29})#\}\}")

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_CLOSED = {
    "submitted": "This form has been answered.",
    "expired": "The time to answer this form is over.",
    "withdrawn": "Nobody waits for an answer to this form any more.",
}


def form_page(view: FormView, *, once: str, problem: str | None = None) -> str:
    """An open form to be answered. `once` makes a repeated click one answer; `problem` is what was
    wrong with the last try."""
    form = view.form
    assert form is not None, "a form is shown with what it shows"
    told = "" if problem is None else f'<p role="alert"><strong>{escape(problem)}</strong></p>'
    takes_files = any(field.type in FILE_TYPES for field in form.fields)
    sent_as = ' enctype="multipart/form-data"' if takes_files else ""
    fields = "".join(map(_field, form.fields))
    buttons = "".join(
        f'<button type="submit" name="action" value="{escape(each.id)}">'
        f"{escape(each.title)}</button>"
        for each in form.actions
    )
    hidden = f'<input type="hidden" name="once" value="{escape(once)}">'
    hidden += f'<input type="hidden" name="digest" value="{escape(view.digest)}">'
    asked = f'<form method="post"{sent_as}>{hidden}{fields}<p>{buttons}</p></form>'
    return _page(
        form.title,
        f"{told}{_content(form)}{asked}"
        f"<p><small>What is shown here: {escape(view.digest)}</small></p>",
    )


def closed_page(view: FormView) -> str:
    """A form that nobody can answer any more."""
    return _page(view.title, f"<p>{_CLOSED.get(view.status, 'This form is closed.')}</p>")


def done_page(title: str) -> str:
    return _page(title, '<p role="status">Thank you. Your answer was taken.</p>')


def message_page(title: str, message: str) -> str:
    return _page(title, f'<p role="alert">{escape(message)}</p>')


def _page(title: str, body: str) -> str:
    name = escape(title)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{name}</h1>{body}</main></body></html>"
    )


def _content(form: HumanForm) -> str:
    return f"<pre>{escape(_PLACE.sub(lambda place: f'[{place[1]}]', form.content))}</pre>"


def _field(field: FormField) -> str:
    name, default = escape(field.name), field.default if isinstance(field.default, str) else ""
    label = f'<label for="field-{name}">{name}</label>'
    if field.type in FILE_TYPES:
        several = " multiple" if field.type == "file-list" else ""
        return f'{label}<input type="file" id="field-{name}" name="field-{name}"{several}>'
    if field.type == "select":
        options = "".join(
            f'<option value="{escape(each)}"{" selected" if each == default else ""}>'
            f"{escape(each)}</option>"
            for each in field.options
        )
        return f'{label}<select id="field-{name}" name="field-{name}">{options}</select>'
    return (
        f'{label}<textarea id="field-{name}" name="field-{name}" rows="4">\n'
        f"{escape(default)}</textarea>"
    )
