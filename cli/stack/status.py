"""`heddle status`"""

import typer
from rich.console import Console
from rich.table import Table

from deploy.local.launch import readiness
from deploy.local.layout import Layout
from deploy.local.leftovers import leftovers
from deploy.local.ports import load_ports
from deploy.local.stack_status import ProcessStatus, StackStatus, load_status
from deploy.local.supervisor_lock import supervisor_pid


def status() -> None:
    """Show every process. Exit code 1 unless all run and every service is ready."""
    layout = Layout.from_environment()
    pid = supervisor_pid(layout)
    told = load_status(layout.status)
    if pid is None or told is None:
        _echo_without_supervisor(told)
        raise typer.Exit(1)
    ports = load_ports(layout.ports)
    ready = readiness(ports)
    typer.echo(f"Supervisor {pid}: {told.phase}. {told.message}".rstrip())
    table = Table("process", "state", "pid", "port", "restarts", "last exit")
    for process in told.processes:
        table.add_row(
            process.name,
            _state(process, ready),
            str(process.pid or ""),
            str(ports.get(process.name, "")),
            str(process.restarts),
            "" if process.last_exit is None else str(process.last_exit),
        )
    Console().print(table)
    if not all(ready.values()) or any(process.pid is None for process in told.processes):
        raise typer.Exit(1)


def _echo_without_supervisor(told: StackStatus | None) -> None:
    left = leftovers(told)
    if not left:
        typer.echo("Heddle is not running." + (f" {told.message}" if told else ""))
        return
    typer.echo("The supervisor is gone, but processes of it are left running:")
    for name, process in left.items():
        typer.echo(f"  {name} (pid {process.pid})")
    typer.echo("`heddle up` ends them and starts afresh; `heddle down` only ends them.")


def _state(process: ProcessStatus, ready: dict[str, bool]) -> str:
    if process.pid is None:
        return "waiting to restart"
    return "running" if ready.get(process.name, True) else "not ready"
