"""`heddle forms deliveries` and `heddle forms webhook-secret`"""

from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict
from rich.table import Table
from rich.text import Text

from cli.connection import find_connection
from cli.control_plane import open_control_plane
from cli.instants import when
from cli.print_table import print_table


class _Delivery(BaseModel):
    model_config = ConfigDict(frozen=True)

    delivery_id: str
    channel: str
    to: str
    status: str
    attempts: int
    changed_at: float | None
    error: str | None


class _Deliveries(BaseModel):
    deliveries: tuple[_Delivery, ...]


class _Secret(BaseModel):
    secret: str


def list_deliveries(
    form_id: Annotated[str, typer.Argument(metavar="ID", help="The form's id.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, an object a line.")] = False,
) -> None:
    """Show who is told of a form, and what became of it."""
    with open_control_plane(find_connection()) as plane:
        found = plane.read(_Deliveries, f"/api/forms/{form_id}/deliveries").deliveries
    if as_json:
        for delivery in found:
            typer.echo(delivery.model_dump_json())
        return
    table = Table("by", "to", "status", "tries", "changed", "error", "delivery")
    for delivery in found:
        table.add_row(
            delivery.channel,
            Text(delivery.to),
            delivery.status,
            str(delivery.attempts),
            when(delivery.changed_at),
            Text(delivery.error or ""),
            delivery.delivery_id,
        )
    print_table(table)


def show_webhook_secret(
    app: Annotated[str, typer.Argument(help="The app, by id or name.")],
    url: Annotated[str, typer.Argument(help="The webhook's address, as the workflow has it.")],
) -> None:
    """Print what an app's webhooks to an address are signed with."""
    with open_control_plane(find_connection()) as plane:
        path = f"/api/apps/{plane.find_app(app).app_id}/webhook-secret"
        typer.echo(plane.read(_Secret, path, url=url).secret)
