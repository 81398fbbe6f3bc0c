"""How a command fails: one clear message, and an exit code."""

import httpx
import typer
from pydantic import BaseModel, ConfigDict, ValidationError


class CommandFailed(typer.TyperException):
    """Ends the command with exit code 1 and `message` on standard error."""


class _Place(BaseModel):
    model_config = ConfigDict(frozen=True)

    pointer: str = ""
    detail: str = ""


class _Problem(BaseModel):
    """RFC 9457, or Dify's `{code, message, status}`, or OpenAI's `{error: {...}}`."""

    model_config = ConfigDict(frozen=True)

    title: str = ""
    detail: str = ""
    message: str = ""
    code: str = ""
    errors: tuple[_Place, ...] = ()


def failure_of(response: httpx.Response) -> CommandFailed:
    """What an error answer means, for a person. The body must have been read."""
    try:
        problem = _Problem.model_validate_json(response.content)
    except ValidationError:
        problem = _Problem()
    what = problem.detail or problem.message or problem.title or response.reason_phrase
    code = problem.code or f"HTTP {response.status_code}"
    lines = [f"{what} [{code}]"]
    lines += [
        f"  {place.pointer or '(document)'}: {place.detail}"
        for place in problem.errors
        if place.detail and place.detail != what
    ]
    return CommandFailed("\n".join(lines))
