"""`heddle node test`"""

import json
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict, JsonValue
from rich.console import Console

from cli.connection import find_connection
from cli.control_plane import ControlPlane, open_control_plane
from cli.failure import CommandFailed
from cli.given_values import given_variables


class _Answer(BaseModel):
    """A trace, or where the run goes on that took longer than was waited."""

    model_config = ConfigDict(frozen=True)

    run_id: str | None = None
    run: JsonValue = None
    nodes: tuple[dict[str, JsonValue], ...] = ()


def try_node(
    app: Annotated[str, typer.Argument(help="An app's id or name, or a DSL file.")],
    node: Annotated[str, typer.Argument(help="The node's id.")],
    variables: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NODE.NAME=TEXT",
            help="A variable that the node reads (NODE.NAME:=JSON; sys, env, conversation too).",
        ),
    ] = None,
    version: Annotated[str | None, typer.Option(help="A version's id; the draft without.")] = None,
    wait: Annotated[float, typer.Option(min=0, max=55, help="Seconds to wait.")] = 50.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Run one node alone, with variables that you make up."""
    body: dict[str, JsonValue] = {"variables": {**given_variables(variables or (), "--set")}}
    if version is not None:
        body["version_id"] = version
    with open_control_plane(find_connection()) as plane:
        path = f"/api/apps/{_app_id(app, plane)}/nodes/{node}/test"
        answer = plane.submit(_Answer, path, body, wait=str(wait))
    if answer.run_id is not None:
        raise CommandFailed(f"It goes on: heddle runs show {answer.run_id}")
    if as_json:
        typer.echo(json.dumps({"run": answer.run, "nodes": answer.nodes}, ensure_ascii=False))
    else:
        _show(answer)
    if any(each["status"] == "failed" for each in answer.nodes):
        raise typer.Exit(1)


def _show(answer: _Answer) -> None:
    console = Console()
    for each in answer.nodes:
        shown = ("node_id", "type", "status", "error", "elapsed_seconds", "total_tokens")
        told = {name: each[name] for name in shown if each.get(name)}
        console.print_json(data=told | {"inputs": each["inputs"], "outputs": each["outputs"]})


def _app_id(app: str, plane: ControlPlane) -> str:
    if Path(app).is_file():
        return plane.import_app(Path(app).read_bytes(), publish=False).app_id
    return plane.find_app(app).app_id
