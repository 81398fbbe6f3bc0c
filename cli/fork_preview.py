"""What a replay or a fork would do, on the terminal."""

import typer
from pydantic import BaseModel, ConfigDict
from rich.table import Table
from rich.text import Text

from cli.failure import CommandFailed
from cli.print_table import print_table

_STYLES = {"unsafe": "red", "model": "yellow", "human": "yellow", "keyed": "yellow"}


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Executed(_Model):
    node_id: str
    title: str
    node_type: str
    effect_class: str
    reason: str
    inside: str | None


class Taken(_Model):
    node_id: str
    title: str
    node_type: str
    status: str
    changed: bool
    edited: tuple[str, ...]
    holds_files: bool = False


class Obstacle(_Model):
    code: str
    message: str
    node_id: str | None


class Preview(_Model):
    """The platform's answer; `by_effect` lists the most careful class first."""

    digest: str
    kind: str
    version_id: str
    needs_allow_unsafe: bool
    by_effect: dict[str, tuple[str, ...]]
    executes: tuple[Executed, ...]
    takes: tuple[Taken, ...]
    gone: tuple[str, ...]
    obstacles: tuple[Obstacle, ...]


def show_preview(preview: Preview) -> None:
    """Raises CommandFailed where there can be no such run."""
    table = Table("node", "type", "effect", "why", title="Executes", title_justify="left")
    for node in preview.executes:
        inside = f" (inside {node.inside})" if node.inside else ""
        effect = Text(node.effect_class, style=_STYLES.get(node.effect_class, ""))
        table.add_row(Text(f"{node.node_id}{inside}"), node.node_type, effect, node.reason)
    print_table(table)
    if preview.takes:
        taken = Table("node", "type", "status", "", title="Taken over", title_justify="left")
        for node in preview.takes:
            taken.add_row(Text(node.node_id), node.node_type, node.status, Text(_note(node)))
        print_table(taken)
    counts = ", ".join(f"{len(nodes)} {effect}" for effect, nodes in preview.by_effect.items())
    typer.echo(f"Executes by effect: {counts}")
    if preview.gone:
        typer.echo(f"No longer in this version: {', '.join(preview.gone)}")
    if preview.obstacles:
        raise CommandFailed(" ".join(obstacle.message for obstacle in preview.obstacles))


def _note(node: Taken) -> str:
    notes = ["configured anew; the old result stands"] if node.changed else []
    if node.edited:
        notes.append(f"edited: {', '.join(node.edited)}")
    if node.holds_files:
        notes.append("holds files of that run")
    return "; ".join(notes)
