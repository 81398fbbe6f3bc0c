"""`heddle provider list`"""

from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict
from rich.table import Table

from cli.connection import find_connection
from cli.control_plane import open_control_plane
from cli.print_table import print_table


class _Field(BaseModel):
    name: str
    required: bool


class Provider(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: str
    title: str
    base_url: str | None
    fields: tuple[_Field, ...]
    any_model: bool
    known: bool
    configured: bool
    revision: int


class _Providers(BaseModel):
    providers: tuple[Provider, ...]


def list_providers(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, an object a line.")] = False,
) -> None:
    """List the model providers, what each takes, and whether it is set."""
    with open_control_plane(find_connection()) as plane:
        found = plane.read(_Providers, "/api/providers").providers
    if as_json:
        for provider in found:
            typer.echo(provider.model_dump_json())
        return
    table = Table("provider", "what it is", "takes (* needed)", "address", "set")
    for provider in found:
        takes = ", ".join(f"{f.name}{'*' if f.required else ''}" for f in provider.fields)
        table.add_row(
            provider.name, provider.title, takes, provider.base_url or "", _state(provider)
        )
    print_table(table)


def _state(provider: Provider) -> str:
    if not provider.known:
        return "yes, but unknown"
    if provider.configured:
        return "yes"
    return "no" if any(field.required for field in provider.fields) else "not needed"
