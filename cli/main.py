"""The `heddle` command."""

import typer
from typer.core import TyperGroup

from cli.dead_letters import drop_letter, list_letters, requeue_letters, show_letter
from cli.diff_runs import diff_runs
from cli.example import example
from cli.failure import CommandFailed
from cli.form_deliveries import list_deliveries, show_webhook_secret
from cli.import_app import import_app
from cli.list_providers import list_providers
from cli.looking_back import fork_run, replay_run
from cli.manage_forms import list_forms, show_form, submit_form
from cli.manage_keys import create_key, list_keys, revoke_key
from cli.manage_runs import list_runs, pause_run, resume_run
from cli.run_app import run_app
from cli.set_provider import set_provider
from cli.show_run import show_run
from cli.stack.down import down
from cli.stack.logs import logs
from cli.stack.status import status
from cli.stack.up import up
from cli.try_node import try_node


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


def _group(words: str) -> typer.Typer:
    return typer.Typer(help=words, no_args_is_help=True)


_runs = _group("Show, list and diff runs; pause, resume, replay, fork them.")
_forms = _group("List, show and submit forms for people.")
_node = _group("Test single nodes.")
_provider = _group("Set and list model providers.")
_keys = _group("List, create and revoke keys.")
_dead_letters = _group("List, show, requeue and drop messages given up.")

app.command("up")(up)
app.command("down")(down)
app.command("status")(status)
app.command("logs")(logs)
app.command("import")(import_app)
app.command("run")(run_app)
app.command("example")(example)
_runs.command("show")(show_run)
_runs.command("list")(list_runs)
_runs.command("pause")(pause_run)
_runs.command("resume")(resume_run)
_runs.command("replay")(replay_run)
_runs.command("fork")(fork_run)
_runs.command("diff")(diff_runs)
_forms.command("list")(list_forms)
_forms.command("show")(show_form)
_forms.command("submit")(submit_form)
_forms.command("deliveries")(list_deliveries)
_forms.command("webhook-secret")(show_webhook_secret)
_node.command("test")(try_node)
_provider.command("set")(set_provider)
_provider.command("list")(list_providers)
_keys.command("list")(list_keys)
_keys.command("create")(create_key)
_keys.command("revoke")(revoke_key)
_dead_letters.command("list")(list_letters)
_dead_letters.command("show")(show_letter)
_dead_letters.command("requeue")(requeue_letters)
_dead_letters.command("drop")(drop_letter)
app.add_typer(_runs, name="runs")
app.add_typer(_forms, name="forms")
app.add_typer(_node, name="node")
app.add_typer(_provider, name="provider")
app.add_typer(_keys, name="keys")
app.add_typer(_dead_letters, name="dead-letters")

if __name__ == "__main__":
    app()
