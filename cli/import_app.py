"""`heddle import`"""

import json
from pathlib import Path
from typing import Annotated

import typer

from cli.app_keys import AppKeys
from cli.connection import find_connection
from cli.control_plane import Finding, ImportedApp, ReplacedDraft, open_control_plane
from cli.failure import CommandFailed


def import_app(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A Dify DSL file.")],
    publish: Annotated[bool, typer.Option("--publish", help="Publish it as well.")] = False,
    app: Annotated[
        str | None, typer.Option(help="Make it the draft of this app: its id or name.")
    ] = None,
    revision: Annotated[
        int | None, typer.Option(help="With --app: only if the draft is at this revision.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Import an app from a DSL file, or another draft of one."""
    if revision is not None and app is None:
        raise typer.BadParameter("it needs --app", param_hint="--revision")
    done = _imported(file, publish) if app is None else _replaced(file, app, publish, revision)
    if as_json:
        typer.echo(json.dumps(done.model_dump(mode="json")))
    else:
        _echo(done)
    kept_back = not done.published if isinstance(done, ReplacedDraft) else done.version_id is None
    if publish and kept_back:
        raise CommandFailed("It was kept as a draft and not published.")


def _imported(file: Path, publish: bool) -> ImportedApp:
    connection = find_connection()
    with open_control_plane(connection) as plane:
        imported = plane.import_app(file.read_bytes(), publish=publish)
    AppKeys(connection.state).remember(imported.app_id, imported.api_key)
    return imported


def _replaced(file: Path, app: str, publish: bool, revision: int | None) -> ReplacedDraft:
    with open_control_plane(find_connection()) as plane:
        app_id = plane.find_app(app).app_id
        return plane.replace_draft(app_id, file.read_bytes(), publish=publish, revision=revision)


def _echo(done: ImportedApp | ReplacedDraft) -> None:
    match done:
        case ImportedApp():
            typer.echo(f"Imported `{done.name}` ({done.mode}) as {done.app_id}.")
            typer.echo(f"API key: {done.api_key}")
        case ReplacedDraft():
            typer.echo(f"The draft of `{done.name}` ({done.app_id}) is at {done.revision} now.")
    for kind, findings in (("error", done.report.errors), ("warning", done.report.warnings)):
        for finding in findings:
            typer.echo(f"{kind}: {_place(finding)}{finding.message}")


def _place(finding: Finding) -> str:
    parts = [part for part in (finding.node_id, finding.field) if part]
    return f"{'.'.join(parts)}: " if parts else ""
