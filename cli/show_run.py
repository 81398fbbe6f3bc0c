"""`heddle runs show`"""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from cli.connection import find_connection
from cli.control_plane import open_control_plane
from cli.run_display import RunDisplay


def show_run(
    run_id: Annotated[str, typer.Argument(metavar="ID", help="The run's id.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show a run and the trace of its nodes."""
    with open_control_plane(find_connection()) as plane:
        detail = plane.run_detail(run_id)
        trace = plane.trace(run_id)
    if as_json:
        told = {
            "run": detail.model_dump(mode="json"),
            "nodes": trace.model_dump(mode="json")["nodes"],
        }
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    console = Console()
    console.print_json(data=detail.model_dump(mode="json"))
    if detail.evidence:
        console.print(Text(f"Set aside: {detail.evidence}", style="red"), soft_wrap=True)
    RunDisplay(console).trace(trace)
