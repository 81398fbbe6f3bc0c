"""Values on the command line: `name=text`, or `name:=JSON` for anything else."""

import json
from collections.abc import Sequence

import typer
from pydantic import JsonValue

Nested = dict[str, dict[str, JsonValue]]


def given_values(pairs: Sequence[str], option: str) -> dict[str, JsonValue]:
    """Values by name. Raises typer.BadParameter."""
    found: dict[str, JsonValue] = {}
    for pair in pairs:
        name, sign, text = pair.partition("=")
        if not sign or not name.strip(":"):
            raise typer.BadParameter(f"`{pair}` is no name=value", param_hint=option)
        if name.endswith(":"):
            found[name[:-1]] = _json(text, pair, option)
        else:
            found[name] = text
    return found


def given_variables(pairs: Sequence[str], option: str) -> Nested:
    """The same for `scope.name=value`, by scope and name; a scope is a node's id, mostly."""
    found: Nested = {}
    for selector, value in given_values(pairs, option).items():
        scope, dot, name = selector.partition(".")
        if not dot or not scope or not name:
            raise typer.BadParameter(f"`{selector}` is no node.output", param_hint=option)
        found.setdefault(scope, {})[name] = value
    return found


def _json(text: str, pair: str, option: str) -> JsonValue:
    try:
        return json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"`{pair}` has no JSON behind :=", param_hint=option) from error
