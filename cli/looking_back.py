"""`heddle runs replay` and `heddle runs fork`"""

import json
import time
from collections.abc import Mapping
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict, JsonValue

from cli.connection import find_connection
from cli.control_plane import ControlPlane, open_control_plane
from cli.failure import CommandFailed
from cli.fork_preview import Preview, show_preview
from cli.given_values import given_values, given_variables

RunId = Annotated[str, typer.Argument(metavar="ID", help="The run's id.")]
OnlyPreview = Annotated[
    bool, typer.Option("--preview", help="Only show what would execute; begin nothing.")
]
YesUnsafe = Annotated[
    bool, typer.Option("--yes-unsafe", help="Nodes that may do anything may do it again.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Wait = Annotated[float, typer.Option(min=0, help="Seconds to wait for the new run's end.")]

_ENDED = frozenset({"succeeded", "partial-succeeded", "failed", "stopped"})
_PAUSE = 0.2


class _Begun(BaseModel):
    model_config = ConfigDict(frozen=True)

    run_id: str
    status: str


def replay_run(
    run_id: RunId,
    preview: OnlyPreview = False,
    yes_unsafe: YesUnsafe = False,
    wait: Wait = 60.0,
    as_json: AsJson = False,
) -> None:
    """Run everything again, with the same inputs and version; shows first what executes."""
    path = f"/api/runs/{run_id}/replay"
    _look_back(path, {}, only=preview, yes=yes_unsafe, wait=wait, as_json=as_json)


def fork_run(
    run_id: RunId,
    from_node: Annotated[
        str, typer.Option("--from", metavar="NODE", help="This node and all behind it execute.")
    ],
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="NAME=TEXT", help="Change an input (NAME:=JSON)."),
    ] = None,
    outputs: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NODE.NAME=TEXT", help="Change a recorded output (NODE.NAME:=JSON)."
        ),
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="Another version's id, or `published` for the newest.")
    ] = None,
    preview: OnlyPreview = False,
    yes_unsafe: YesUnsafe = False,
    wait: Wait = 60.0,
    as_json: AsJson = False,
) -> None:
    """Run from one node on; what lies before it comes from the run's journal."""
    body: dict[str, JsonValue] = {
        "from_node": from_node,
        "inputs": given_values(inputs or (), "--input"),
        "outputs": {**given_variables(outputs or (), "--set")},
    }
    if version is not None:
        body["version_id"] = _version(run_id, version)
    path = f"/api/runs/{run_id}/fork"
    _look_back(path, body, only=preview, yes=yes_unsafe, wait=wait, as_json=as_json)


def _version(run_id: str, wanted: str) -> str:
    if wanted != "published":
        return wanted
    with open_control_plane(find_connection()) as plane:
        app_id = str((plane.run_detail(run_id).model_extra or {}).get("app_id"))
        return plane.read(_PublishedApp, f"/api/apps/{app_id}").version_id


class _PublishedApp(BaseModel):
    version_id: str


def _look_back(
    path: str,
    body: Mapping[str, JsonValue],
    *,
    only: bool,
    yes: bool,
    wait: float,
    as_json: bool,
) -> None:
    with open_control_plane(find_connection()) as plane:
        shown = plane.submit(Preview, f"{path}/preview", body)
        if not as_json:
            show_preview(shown)
        if only:
            if as_json:
                typer.echo(shown.model_dump_json())
            return
        if shown.needs_allow_unsafe and not yes:
            raise CommandFailed(
                f"{', '.join(shown.by_effect['unsafe'])} may do anything once more. Nothing was "
                "begun; --yes-unsafe begins it."
            )
        asked = {**body, "digest": shown.digest, "allow_unsafe": yes}
        begun = plane.submit(_Begun, path, asked)
        status = _status(plane, begun, wait)
    if as_json:
        told = {"run_id": begun.run_id, "status": status, "preview": shown.model_dump(mode="json")}
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        typer.echo(f"Run {begun.run_id} is {status}: heddle runs show {begun.run_id}")
    if status == "failed":
        raise typer.Exit(1)


def _status(plane: ControlPlane, begun: _Begun, seconds: float) -> str:
    """The new run's status once it has ended, or as it is after so many seconds."""
    status, until = begun.status, time.monotonic() + seconds
    while status not in _ENDED and time.monotonic() < until:
        time.sleep(min(_PAUSE, max(until - time.monotonic(), 0.0)))
        status = plane.run_detail(begun.run_id).status
    return status
