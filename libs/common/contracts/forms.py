"""Forms that runs show to people: what is asked, what was answered, and who may see it."""

import hashlib
import json
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

TIMED_OUT = "__timeout"
"""The action of an answer that nobody gave in time."""

FormStatus = Literal["open", "submitted", "expired", "withdrawn"]
FieldType = Literal["paragraph", "select", "file", "file-list"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class FormField(_Frozen):
    """One thing to fill in. `default` is shown first and stands where nothing is given; a field
    without one has to be given. `options` are those of a select."""

    name: str
    type: FieldType = "paragraph"
    default: JsonValue = None
    options: tuple[str, ...] = ()


class FormAction(_Frozen):
    """A button: it ends the form, and names the branch that the run takes."""

    id: str
    title: str
    style: str = "default"


class HumanForm(_Frozen):
    """What a person is shown. `content` is Markdown; `{{#$output.<name>#}}` in it is where a field
    goes."""

    title: str
    content: str
    fields: tuple[FormField, ...] = ()
    actions: tuple[FormAction, ...]


class HumanAnswer(_Frozen):
    """`action` is that of one of the form's buttons, or TIMED_OUT. `actor` names who answered."""

    action: str
    inputs: dict[str, JsonValue] = {}
    actor: str | None = None


def form_digest(form: HumanForm) -> str:
    """SHA-256 hex digest of what is shown: an approval holds for exactly this."""
    content = json.dumps(
        form.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


class FormView(_Frozen):
    """A form as it stands. Instants are Unix seconds. `form` is None in lists."""

    form_id: UUID
    run_id: UUID
    app_id: UUID
    node_id: str
    frame_path: str = ""
    status: FormStatus
    digest: str
    title: str
    opened_at: float
    expires_at: float
    form: HumanForm | None = None
    actor: str | None = None
    acted_at: float | None = None
    action: str | None = None
    inputs: dict[str, JsonValue] = {}


class FormQuery(_Frozen):
    """`app_id` None: of any app of the tenant."""

    tenant_id: UUID
    form_id: UUID
    app_id: UUID | None = None


class FormsQuery(_Frozen):
    """Forms of a tenant, newest first; None: of every run, app or status. Those older than
    `before`, at most `limit`."""

    tenant_id: UUID
    run_id: UUID | None = None
    app_id: UUID | None = None
    status: FormStatus | None = None
    before: UUID | None = None
    limit: int = Field(default=50, ge=1, le=200)


class FormList(_Frozen):
    """`more` True: ask again before the last form."""

    forms: tuple[FormView, ...]
    more: bool = False


class SubmitForm(_Frozen):
    """Answer an open form. `digest`, where given, must be that of what the form shows. The same
    `command_id` submits once, however often it is sent."""

    tenant_id: UUID
    form_id: UUID
    app_id: UUID | None = None
    command_id: UUID
    action: str
    inputs: dict[str, JsonValue] = {}
    actor: str | None = None
    digest: str | None = None


class FormSubmitted(_Frozen):
    form_id: UUID
    run_id: UUID
    run_status: str
