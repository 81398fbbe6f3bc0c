"""`heddle provider set`"""

from typing import Annotated

import typer

from cli.connection import find_connection
from cli.control_plane import open_control_plane


def set_provider(
    name: Annotated[str, typer.Argument(help="The provider, such as openai.")],
    api_key: Annotated[
        str, typer.Option(help="Its key; stored encrypted.", envvar="HEDDLE_PROVIDER_KEY")
    ] = "",
    base_url: Annotated[str, typer.Option(help="Where it is; empty for its own default.")] = "",
) -> None:
    """Set a model provider's credentials for the workspace; a host without keys needs its URL."""
    if not api_key and not base_url:
        raise typer.BadParameter("a key, a base URL or both", param_hint="--api-key, --base-url")
    with open_control_plane(find_connection()) as plane:
        plane.set_provider(name, api_key=api_key, base_url=base_url or None)
    typer.echo(f"Provider `{name}` is set.")
