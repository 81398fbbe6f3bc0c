"""`heddle import`"""

import json
from pathlib import Path
from typing import Annotated

import typer

from cli.app_keys import AppKeys
from cli.connection import find_connection
from cli.control_plane import Finding, ImportedApp, open_control_plane
from cli.failure import CommandFailed


def import_app(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A Dify DSL file.")],
    publish: Annotated[bool, typer.Option("--publish", help="Publish it as well.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Import an app from a DSL file."""
    connection = find_connection()
    with open_control_plane(connection) as plane:
        app = plane.import_app(file.read_bytes(), publish=publish)
    AppKeys(connection.state).remember(app.app_id, app.api_key)
    if as_json:
        typer.echo(json.dumps(app.model_dump(mode="json")))
    else:
        typer.echo(f"Imported `{app.name}` ({app.mode}) as {app.app_id}.")
        typer.echo(f"API key: {app.api_key}")
        _echo_report(app)
    if publish and app.version_id is None:
        raise CommandFailed("It was kept as a draft and not published.")


def _echo_report(app: ImportedApp) -> None:
    for kind, findings in (("error", app.report.errors), ("warning", app.report.warnings)):
        for finding in findings:
            typer.echo(f"{kind}: {_place(finding)}{finding.message}")


def _place(finding: Finding) -> str:
    parts = [part for part in (finding.node_id, finding.field) if part]
    return f"{'.'.join(parts)}: " if parts else ""
