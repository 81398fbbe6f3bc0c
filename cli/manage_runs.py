"""`heddle runs list`, `heddle runs pause` and `heddle runs resume`"""

from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict, JsonValue
from rich.table import Table
from rich.text import Text

from cli.connection import find_connection
from cli.control_plane import open_control_plane
from cli.instants import when
from cli.print_table import print_table


class RunLine(BaseModel):
    model_config = ConfigDict(frozen=True)

    run_id: str
    app_id: str
    status: str
    created_at: float
    finished_at: float | None
    error: str | None


class _Runs(BaseModel):
    runs: tuple[RunLine, ...]
    has_more: bool


class _Commanded(BaseModel):
    status: str


def list_runs(
    status: Annotated[
        str | None, typer.Option(help="Only of this status, such as quarantined or failed.")
    ] = None,
    app: Annotated[str | None, typer.Option(help="Only of this app, by id or name.")] = None,
    before: Annotated[str | None, typer.Option(help="Go on before this run's id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many at most.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, an object a line.")] = False,
) -> None:
    """List runs, newest first; of one set aside, why."""
    with open_control_plane(find_connection()) as plane:
        app_id = None if app is None else plane.find_app(app).app_id
        page = plane.read(
            _Runs, "/api/runs", status=status, app_id=app_id, before=before, limit=str(limit)
        )
    if as_json:
        for run in page.runs:
            typer.echo(run.model_dump_json())
        return
    table = Table("run", "app", "status", "begun", "ended", "error")
    for run in page.runs:
        begun, ended = when(run.created_at), when(run.finished_at)
        table.add_row(run.run_id, run.app_id, run.status, begun, ended, Text(run.error or ""))
    print_table(table)
    if page.has_more:
        typer.echo(f"There are more: --before {page.runs[-1].run_id}")


def pause_run(
    run_id: Annotated[str, typer.Argument(metavar="ID", help="The run's id.")],
    reason: Annotated[str, typer.Option(help="What callers of the run are told.")] = "",
) -> None:
    """Let a run begin nothing new; what is under way ends and is recorded."""
    body: dict[str, JsonValue] = {"reason": reason} if reason else {}
    with open_control_plane(find_connection()) as plane:
        told = plane.submit(_Commanded, f"/api/runs/{run_id}/pause", body)
    typer.echo(f"Run {run_id} is {told.status}.")


def resume_run(
    run_id: Annotated[str, typer.Argument(metavar="ID", help="The run's id.")],
) -> None:
    """Let a paused run go on; put one that was set aside back into the queue."""
    with open_control_plane(find_connection()) as plane:
        told = plane.post(_Commanded, f"/api/runs/{run_id}/resume")
    typer.echo(f"Run {run_id} is {told.status}.")
