"""`heddle up`"""

import typer

from cli.failure import CommandFailed
from deploy.local.launch import up as start
from deploy.local.layout import Layout
from deploy.local.stack_error import LocalStackError


def up() -> None:
    """Start the servers and services, and wait until every service is ready."""
    layout = Layout.from_environment()
    try:
        ports = start(layout, typer.echo)
    except LocalStackError as error:
        raise CommandFailed(error.message) from error
    typer.echo(f"Heddle is up at http://127.0.0.1:{ports['backend']} (data in {layout.root}).")
