"""The `heddle` command."""

import typer
from typer.core import TyperGroup

from cli.example import example
from cli.failure import CommandFailed
from cli.import_app import import_app
from cli.run_app import run_app
from cli.set_provider import set_provider
from cli.show_run import show_run
from cli.stack.down import down
from cli.stack.logs import logs
from cli.stack.status import status
from cli.stack.up import up


class _Commands(TyperGroup):
    """Turns what a command cannot do into one message and exit code 1."""

    # The base class names its context by a private module; typer.Context is the public one.
    def invoke(self, ctx: typer.Context) -> object:  # pyright: ignore[reportIncompatibleMethodOverride]
        try:
            return super().invoke(ctx)
        except CommandFailed as failure:
            typer.echo(f"Error: {failure.message}", err=True)
            raise typer.Exit(1) from failure


app = typer.Typer(
    cls=_Commands,
    name="heddle",
    help="Run Heddle on this machine, and talk to it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
_runs = typer.Typer(help="Look at runs.", no_args_is_help=True)
_provider = typer.Typer(help="Set model providers.", no_args_is_help=True)

app.command("up")(up)
app.command("down")(down)
app.command("status")(status)
app.command("logs")(logs)
app.command("import")(import_app)
app.command("run")(run_app)
app.command("example")(example)
_runs.command("show")(show_run)
_provider.command("set")(set_provider)
app.add_typer(_runs, name="runs")
app.add_typer(_provider, name="provider")

if __name__ == "__main__":
    app()
