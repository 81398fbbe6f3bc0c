"""`heddle example`"""

import os

import typer
from rich.console import Console

from cli.app_keys import AppKeys
from cli.connection import Connection, find_connection
from cli.control_plane import ControlPlane, ImportedApp, open_control_plane
from cli.example_document import FOLDER, ExampleDocument, load_example
from cli.failure import CommandFailed
from cli.run_app import run_and_show
from cli.run_display import RunDisplay
from cli.run_stream import RunRequest

DEFAULT_MODEL = "gpt-4o-mini"


def example() -> None:
    """Import the support triage example, run it on a ticket and show what happened.

    With OPENAI_API_KEY (and OPENAI_BASE_URL, OPENAI_MODEL) it runs on that model instead of the
    built-in demo, which is not a language model.
    """
    console = Console()
    connection = find_connection()
    ticket = (FOLDER / "ticket.txt").read_text(encoding="utf-8")
    with open_control_plane(connection) as plane:
        document = _document(plane, console)
        app = plane.import_app(document.text, publish=True)
        if app.version_id is None:
            reasons = "; ".join(finding.message for finding in app.report.errors)
            raise CommandFailed(f"The example cannot be published: {reasons}")
        AppKeys(connection.state).remember(app.app_id, app.api_key)
        display = RunDisplay(console)
        outcome = run_and_show(
            RunRequest(
                url=connection.url,
                api_key=app.api_key,
                mode=app.mode,
                inputs={document.input_name: ticket},
                query="Please look at this ticket.",
            ),
            display,
        )
        if outcome.answer:
            console.rule("answer", align="left")
            console.print(outcome.answer, markup=False, highlight=False, soft_wrap=True)
        if outcome.run_id:
            display.trace(plane.trace(outcome.run_id))
    _print_urls(console, connection, app, outcome.run_id)
    if outcome.status != "succeeded":
        raise typer.Exit(1)


def _document(plane: ControlPlane, console: Console) -> ExampleDocument:
    key = os.environ.get("OPENAI_API_KEY")
    if not key:
        return load_example(FOLDER)
    model = os.environ.get("OPENAI_MODEL") or DEFAULT_MODEL
    plane.set_provider("openai", api_key=key, base_url=os.environ.get("OPENAI_BASE_URL"))
    console.print(f"OPENAI_API_KEY is set: the example runs on openai/{model}.", highlight=False)
    return load_example(FOLDER, model=("openai", model))


def _print_urls(console: Console, connection: Connection, app: ImportedApp, run_id: str) -> None:
    for name, value in (
        ("API", f"{connection.url}/v1"),
        ("API reference", f"{connection.url}/openapi.json"),
        ("App key", app.api_key),
        ("This run", f"{connection.url}/api/runs/{run_id}"),
        ("Again", f".venv/bin/heddle runs show {run_id}"),
        ("Other keys", str(connection.state / "credentials.json")),
    ):
        console.print(f"{name:14}{value}", highlight=False, soft_wrap=True)
