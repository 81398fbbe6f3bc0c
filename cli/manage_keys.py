"""`heddle keys`"""

from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict
from rich.table import Table

from cli.connection import find_connection
from cli.control_plane import open_control_plane
from cli.instants import when
from cli.print_table import print_table

_PAGE = "200"


class ListedKey(BaseModel):
    model_config = ConfigDict(frozen=True)

    key_id: str
    kind: str
    app_id: str | None
    last4: str
    created_at: float
    last_used_at: float | None


class _Keys(BaseModel):
    keys: tuple[ListedKey, ...]
    has_more: bool


class _MadeKey(BaseModel):
    key_id: str
    api_key: str


def list_keys(
    app: Annotated[str | None, typer.Option(help="Only of this app, by id or name.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, an object a line.")] = False,
) -> None:
    """List the keys that open something; never the keys themselves."""
    found: list[ListedKey] = []
    with open_control_plane(find_connection()) as plane:
        path = "/api/keys" if app is None else f"/api/apps/{plane.find_app(app).app_id}/keys"
        more = True
        while more:
            after = found[-1].key_id if found else None
            page = plane.read(_Keys, path, after=after, limit=_PAGE)
            found.extend(page.keys)
            more = page.has_more and bool(page.keys)
    if as_json:
        for key in found:
            typer.echo(key.model_dump_json())
        return
    table = Table("id", "kind", "app", "key", "created", "last used")
    for key in found:
        shown = f"{key.kind}-...{key.last4}"
        used = when(key.last_used_at)
        table.add_row(key.key_id, key.kind, key.app_id or "", shown, when(key.created_at), used)
    print_table(table)


def create_key(
    app: Annotated[str, typer.Argument(help="The app, by id or name.")],
) -> None:
    """Make a key of an app and print it; it is told this once."""
    with open_control_plane(find_connection()) as plane:
        made = plane.post(_MadeKey, f"/api/apps/{plane.find_app(app).app_id}/keys")
    typer.echo(made.api_key)
    typer.echo(f"Its id is {made.key_id}.", err=True)


def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as listed.")],
) -> None:
    """Close a key for good; in force everywhere within a second."""
    with open_control_plane(find_connection()) as plane:
        plane.delete(f"/api/keys/{key_id}")
    typer.echo(f"Key {key_id} opens nothing any more.")
