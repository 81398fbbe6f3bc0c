"""`heddle logs`"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cli.failure import CommandFailed
from deploy.local.layout import Layout
from deploy.local.log_files import last_lines

_POLL_SECONDS = 0.25


def logs(
    service: Annotated[str, typer.Argument(help="One process; by default all.")] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many at first.")] = 50,
) -> None:
    """Show what the processes wrote."""
    folder = Layout.from_environment().logs
    found = sorted(folder.glob(f"{service or '*'}.log"))
    if not found:
        known = ", ".join(sorted(log.stem for log in folder.glob("*.log"))) or "none yet"
        raise CommandFailed(f"There is no log of `{service or 'anything'}`. Known: {known}.")
    ends = {log: log.stat().st_size for log in found}
    for log in found:
        for line in last_lines(log, lines):
            _echo(log, line, found)
    while follow:
        time.sleep(_POLL_SECONDS)
        for log in found:
            ends[log] = _echo_new(log, ends[log], found)


def _echo_new(log: Path, seen: int, among: Sequence[Path]) -> int:
    # A rotated log is shorter than what we have seen of it.
    start = seen if log.stat().st_size >= seen else 0
    with log.open("rb") as file:
        file.seek(start)
        # Only whole lines: the rest of the last one comes later.
        whole, newline, _ = file.read().rpartition(b"\n")
    for line in whole.decode("utf-8", errors="replace").splitlines():
        _echo(log, line, among)
    return start + len(whole) + len(newline)


def _echo(log: Path, line: str, among: Sequence[Path]) -> None:
    typer.echo(line if len(among) == 1 else f"{log.stem:11}| {line}")
