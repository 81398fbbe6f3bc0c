"""`heddle down`"""

import typer

from cli.failure import CommandFailed
from deploy.local.launch import down as stop
from deploy.local.layout import Layout
from deploy.local.stack_error import LocalStackError


def down() -> None:
    """Stop the services, then the servers. Data stays."""
    try:
        stopped = stop(Layout.from_environment(), typer.echo)
    except LocalStackError as error:
        raise CommandFailed(error.message) from error
    typer.echo("Heddle is down." if stopped else "Heddle was not running.")
