"""What each door may answer, told from docs/doors.md and not from the code behind it."""

from collections.abc import Collection, Mapping
from typing import Any, Literal, cast

Door = Literal["native", "dify", "openai"]

_PROBLEM = {"type": str, "title": str, "detail": str, "instance": str, "code": str}
_OPENAI = {"message", "type", "param", "code"}


def door_of(service: str, path: str) -> Door:
    """The wire that an operation of `service` speaks."""
    if service == "inference":
        return "openai" if path.startswith("/v1/") else "native"
    if path.startswith(("/v1/chat/completions", "/v1/models")):
        return "openai"
    return "dify" if path.startswith("/v1/") else "native"


def is_open(path: str) -> bool:
    """Whether an operation asks for no key."""
    return path in {"/healthz", "/readyz", "/metrics"}


def misshapen(door: Door, status: int, content_type: str, body: object) -> str | None:
    """What is wrong with the error `body` (None: no JSON) of `status`; None: nothing."""
    if not isinstance(body, dict):
        return "an error that is no JSON object"
    told = cast("dict[str, Any]", body)
    match door:
        case "native":
            return _no_problem(told, status, content_type)
        case "dify":
            fits = isinstance(told.get("code"), str) and isinstance(told.get("message"), str)
            return None if fits and told.get("status") == status else "not Dify's error"
        case "openai":
            fits = isinstance(told.get("error"), dict) and told["error"].keys() >= _OPENAI
            return None if fits else "not OpenAI's error"


def _no_problem(told: Mapping[str, Any], status: int, content_type: str) -> str | None:
    if not content_type.startswith("application/problem+json"):
        return f"a problem of the type {content_type}"
    missing = [name for name, kind in _PROBLEM.items() if not isinstance(told.get(name), kind)]
    if missing or told.get("status") != status or not isinstance(told.get("retryable"), bool):
        return f"a problem without {missing or 'its status or retryable'}"
    return None


def leaked(body: str, secrets: Mapping[str, str], shown: Collection[str] = ()) -> str | None:
    """The name of a secret that stands in `body`; `shown` may."""
    return next(
        (name for name, secret in secrets.items() if secret in body and name not in shown), None
    )
