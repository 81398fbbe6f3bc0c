"""`heddle run`"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from pydantic import JsonValue, TypeAdapter, ValidationError
from rich.console import Console

from cli.app_keys import AppKeys
from cli.connection import Connection, find_connection
from cli.control_plane import ControlPlane, open_control_plane
from cli.failure import CommandFailed
from cli.run_display import RunDisplay
from cli.run_outcome import RunOutcome
from cli.run_stream import USER, RunRequest, follow_run
from cli.upload_files import given_paths, upload_files

_INPUTS = TypeAdapter(dict[str, JsonValue])


def run_app(
    app: Annotated[str, typer.Argument(help="An app's id or name, or a DSL file.")],
    inputs: Annotated[str, typer.Option(help="The start node's inputs, a JSON object.")] = "{}",
    query: Annotated[str, typer.Option(help="What the user says; chat apps need it.")] = "",
    file: Annotated[
        list[str] | None,
        typer.Option(help="A file to upload for an input, name=PATH; sys.files for the message's."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Run an app and show its answer as it streams."""
    try:
        parsed = _INPUTS.validate_json(inputs)
    except ValidationError as error:
        raise typer.BadParameter("not a JSON object", param_hint="--inputs") from error
    paths = given_paths(file or [])
    connection = find_connection()
    with open_control_plane(connection) as plane:
        key, mode = _key_and_mode(app, connection, plane)
    request = RunRequest(url=connection.url, api_key=key, mode=mode, inputs=parsed, query=query)
    if request.is_chat and not query:
        raise typer.BadParameter("a chat app needs it", param_hint="--query")
    given = upload_files(connection.url, key, USER, paths)
    request = replace(request, inputs={**parsed, **given.inputs}, files=given.files)
    outcome = run_and_show(request, None if as_json else RunDisplay(Console()))
    if as_json:
        typer.echo(json.dumps(outcome.as_json(), ensure_ascii=False))
    if not outcome.succeeded:
        raise typer.Exit(1)


def run_and_show(request: RunRequest, display: RunDisplay | None) -> RunOutcome:
    """Follow the run to its end, on `display` if there is one."""
    outcome = RunOutcome()
    for event in follow_run(request):
        text = outcome.add(event)
        if display is not None:
            display.show(event, text)
    if display is not None:
        display.finish(outcome)
    return outcome


def _key_and_mode(app: str, connection: Connection, plane: ControlPlane) -> tuple[str, str]:
    keys = AppKeys(connection.state)
    if not Path(app).is_file():
        found = plane.find_app(app)
        return keys.get(found.app_id, plane), found.mode
    imported = plane.import_app(Path(app).read_bytes(), publish=True)
    if imported.version_id is None:
        reasons = "; ".join(finding.message for finding in imported.report.errors)
        raise CommandFailed(f"`{app}` cannot be published: {reasons or 'see its report'}")
    keys.remember(imported.app_id, imported.api_key)
    return imported.api_key, imported.mode
