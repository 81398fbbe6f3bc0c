"""`heddle forms list`, `heddle forms show` and `heddle forms submit`"""

import json
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict, JsonValue
from rich.table import Table
from rich.text import Text

from cli.connection import find_connection
from cli.control_plane import open_control_plane
from cli.failure import CommandFailed
from cli.instants import when
from cli.print_table import print_table


class FormLine(BaseModel):
    model_config = ConfigDict(frozen=True)

    form_id: str
    run_id: str
    title: str
    status: str
    opened_at: float
    expires_at: float
    actor: str | None
    action: str | None


class _Forms(BaseModel):
    forms: tuple[FormLine, ...]
    has_more: bool


class _Field(BaseModel):
    name: str
    type: str
    default: JsonValue
    options: tuple[str, ...]


class _Action(BaseModel):
    id: str
    title: str


class _Form(FormLine):
    content: str
    digest: str
    fields: tuple[_Field, ...]
    actions: tuple[_Action, ...]
    inputs: dict[str, JsonValue] | None = None
    link: str


class _Answered(BaseModel):
    run_id: str
    run_status: str


FormId = Annotated[str, typer.Argument(metavar="ID", help="The form's id.")]


def list_forms(
    status: Annotated[
        str | None, typer.Option(help="open, submitted, expired or withdrawn; all without it.")
    ] = None,
    run: Annotated[str | None, typer.Option(help="Only of this run.")] = None,
    before: Annotated[str | None, typer.Option(help="Go on before this form's id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many at most.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, an object a line.")] = False,
) -> None:
    """List the forms that runs show to people, newest first."""
    with open_control_plane(find_connection()) as plane:
        page = plane.read(
            _Forms, "/api/forms", status=status, run_id=run, before=before, limit=str(limit)
        )
    if as_json:
        for form in page.forms:
            typer.echo(form.model_dump_json())
        return
    table = Table("form", "title", "status", "run", "opened", "expires", "answered by", "action")
    for form in page.forms:
        table.add_row(
            form.form_id,
            Text(form.title),
            form.status,
            form.run_id,
            when(form.opened_at),
            when(form.expires_at),
            Text(form.actor or ""),
            Text(form.action or ""),
        )
    print_table(table)
    if page.has_more:
        typer.echo(f"There are more: --before {page.forms[-1].form_id}")


def show_form(form_id: FormId) -> None:
    """Show what a form asks, its fields and buttons, and the link on which it is answered."""
    connection = find_connection()
    with open_control_plane(connection) as plane:
        form = plane.read(_Form, f"/api/forms/{form_id}")
    typer.echo(f"{form.title} ({form.status})\n\n{form.content}\n")
    for field in form.fields:
        options = f" of {', '.join(field.options)}" if field.options else ""
        default = "" if field.default is None else f", {field.default!r} where it is not given"
        typer.echo(f"field {field.name}: {field.type}{options}{default}")
    for action in form.actions:
        typer.echo(f"action {action.id}: {action.title}")
    if form.action is not None:
        typer.echo(f"answered by {form.actor or 'nobody named'}: {form.action}")
        for name, value in (form.inputs or {}).items():
            typer.echo(f"  {name}: {value if isinstance(value, str) else json.dumps(value)}")
    typer.echo(f"digest {form.digest}\n{connection.url}{form.link}")


def submit_form(
    form_id: FormId,
    action: Annotated[str, typer.Option(help="The id of one of the form's actions.")],
    given: Annotated[
        list[str] | None, typer.Option("--input", help="NAME=TEXT, for each field.")
    ] = None,
    actor: Annotated[str, typer.Option(help="Who answers.")] = "heddle",
    digest: Annotated[
        str | None, typer.Option(help="Answer only what has this digest (`heddle forms show`).")
    ] = None,
) -> None:
    """Answer a form. The first answer stands."""
    body: dict[str, JsonValue] = {
        "action": action,
        "inputs": dict(map(_pair, given or ())),
        "actor": actor,
        "digest": digest,
    }
    with open_control_plane(find_connection()) as plane:
        done = plane.submit(_Answered, f"/api/forms/{form_id}/submit", body)
    typer.echo(f"Taken. Run {done.run_id} is {done.run_status}.")


def _pair(given: str) -> tuple[str, JsonValue]:
    name, equals, text = given.partition("=")
    if not equals:
        raise CommandFailed(f"--input takes NAME=TEXT, not {given!r}.")
    return name, text
