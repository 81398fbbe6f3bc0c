"""`heddle runs diff`"""

from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict
from rich.table import Table
from rich.text import Text

from cli.connection import find_connection
from cli.control_plane import open_control_plane
from cli.print_table import print_table

_SHOWN_CHANGES = 4


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Change(_Model):
    pointer: str
    kind: str
    left: str | None
    right: str | None


class RunSide(_Model):
    run_id: str
    version_id: str
    status: str
    error: str | None
    elapsed_seconds: float | None
    total_tokens: int


class NodeSide(_Model):
    status: str
    error: str | None
    elapsed_seconds: float
    total_tokens: int
    taken_from: str | None


class NodeDiff(_Model):
    node_id: str
    frame_path: str
    title: str
    type: str
    only_in: str | None
    same: bool
    left: NodeSide | None
    right: NodeSide | None
    changes: tuple[Change, ...]
    more_changes: bool


class Diff(_Model):
    left: RunSide
    right: RunSide
    same: bool
    changes: tuple[Change, ...]
    nodes: tuple[NodeDiff, ...]
    whole: bool


def diff_runs(
    left: Annotated[str, typer.Argument(metavar="LEFT", help="A run's id.")],
    right: Annotated[str, typer.Argument(metavar="RIGHT", help="Another run's id.")],
    all_nodes: Annotated[bool, typer.Option("--all", help="Also nodes that are the same.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare two runs, node by node."""
    with open_control_plane(find_connection()) as plane:
        changed = None if all_nodes else "true"
        diff = plane.read(Diff, f"/api/runs/{left}/diff/{right}", changed=changed)
    if as_json:
        typer.echo(diff.model_dump_json())
        return
    table = Table("", "left", "right", "what differs")
    ours, theirs = diff.left, diff.right
    table.add_row("the run", _of_run(ours), _of_run(theirs), Text(_told(diff.changes, more=False)))
    for node in diff.nodes:
        name = Text(f"{node.node_id} {node.frame_path}".strip())
        what = "" if node.only_in is None else f"only {node.only_in}"
        what = what or _told(node.changes, more=node.more_changes)
        table.add_row(name, _of_node(node.left), _of_node(node.right), Text(what))
    print_table(table)
    if diff.same:
        typer.echo("The runs took and gave the same.")
    if not diff.whole:
        typer.echo("There are more nodes than are compared here.")


def _of_run(side: RunSide) -> Text:
    return _side(side.status, side.elapsed_seconds, side.total_tokens, "")


def _of_node(side: NodeSide | None) -> Text:
    if side is None:
        return Text("-")
    taken = " (taken over)" if side.taken_from else ""
    return _side(side.status, side.elapsed_seconds, side.total_tokens, taken)


def _side(status: str, seconds: float | None, tokens: int, taken: str) -> Text:
    time = "" if seconds is None else f" {seconds:.3f} s"
    return Text(f"{status}{taken}{time}" + (f", {tokens} tokens" if tokens else ""))


def _told(changes: tuple[Change, ...], *, more: bool) -> str:
    lines = [
        f"{change.pointer}: {change.left or '-'} > {change.right or '-'}"
        for change in changes[:_SHOWN_CHANGES]
    ]
    if more or len(changes) > _SHOWN_CHANGES:
        lines.append("... and more: --json")
    return "\n".join(lines)
