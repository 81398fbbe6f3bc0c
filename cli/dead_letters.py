"""`heddle dead-letters`: messages that were given up."""

from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict
from rich.table import Table
from rich.text import Text

from cli.connection import find_connection
from cli.control_plane import ControlPlane, open_control_plane
from cli.instants import when
from cli.print_table import print_table

PATH = "/api/operations/dead-letters"
LetterId = Annotated[int, typer.Argument(metavar="ID", help="The letter's id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, an object a line.")]


class Letter(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: int
    tenant_id: str | None
    subject: str
    consumer: str
    first_error: str | None
    last_error: str
    deliveries: int
    buried_at: float
    size: int


class OpenedLetter(Letter):
    headers: dict[str, str]
    body: str
    truncated: bool


class _Letters(BaseModel):
    dead_letters: tuple[Letter, ...]
    has_more: bool


class _Requeued(BaseModel):
    requeued: int


def list_letters(
    subject: Annotated[str | None, typer.Option(help="Only of this subject.")] = None,
    after: Annotated[int, typer.Option(help="Go on after this id.", min=0)] = 0,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List messages that were given up, oldest first."""
    with open_control_plane(find_connection()) as plane:
        page = plane.read(_Letters, PATH, subject=subject, after=str(after), limit=str(limit))
    if as_json:
        for letter in page.dead_letters:
            typer.echo(letter.model_dump_json())
        return
    table = Table("id", "subject", "consumer", "when", "tries", "bytes", "errors, first and last")
    for letter in page.dead_letters:
        table.add_row(
            str(letter.id),
            letter.subject,
            letter.consumer,
            when(letter.buried_at),
            str(letter.deliveries),
            str(letter.size),
            _errors(letter),
        )
    print_table(table)
    if page.has_more:
        typer.echo(f"There are more: --after {page.dead_letters[-1].id}")


def show_letter(letter_id: LetterId, as_json: AsJson = False) -> None:
    """Show one message with its headers and the beginning of its body."""
    with open_control_plane(find_connection()) as plane:
        letter = plane.read(OpenedLetter, f"{PATH}/{letter_id}")
    if as_json:
        typer.echo(letter.model_dump_json())
        return
    typer.echo(f"{letter.subject}, given up by {letter.consumer} at {when(letter.buried_at)}")
    typer.echo(f"tries: {letter.deliveries}\nfirst error: {letter.first_error or 'not known'}")
    typer.echo(f"last error: {letter.last_error}")
    for name, value in sorted(letter.headers.items()):
        typer.echo(f"{name}: {value}")
    typer.echo(f"\n{letter.body}")
    if letter.truncated:
        typer.echo(f"... {letter.size} bytes in all", err=True)


def requeue_letters(
    letter_id: Annotated[int | None, typer.Argument(metavar="[ID]", help="One letter.")] = None,
    subject: Annotated[str | None, typer.Option(help="Every letter of this subject.")] = None,
) -> None:
    """Give messages to their consumer once more: one by its id, or all of a subject."""
    if (letter_id is None) == (subject is None):
        raise typer.BadParameter("either an id or --subject", param_hint="ID, --subject")
    with open_control_plane(find_connection()) as plane:
        count = _requeue(plane, letter_id, subject)
    typer.echo(f"{count} {'message goes' if count == 1 else 'messages go'} to work again.")


def drop_letter(letter_id: LetterId) -> None:
    """Forget one message for good."""
    with open_control_plane(find_connection()) as plane:
        plane.delete(f"{PATH}/{letter_id}")
    typer.echo(f"Letter {letter_id} is gone.")


def _requeue(plane: ControlPlane, letter_id: int | None, subject: str | None) -> int:
    if letter_id is not None:
        return plane.post(_Requeued, f"{PATH}/{letter_id}/requeue").requeued
    return plane.post(_Requeued, f"{PATH}/requeue", subject=subject).requeued


def _errors(letter: Letter) -> Text:
    first, last = letter.first_error, letter.last_error
    return Text(last if first in {None, last} else f"{first}\n{last}")
