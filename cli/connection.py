"""Where the platform is, and with which key to speak to it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from cli.failure import CommandFailed

File = TypeVar("File", bound=BaseModel)

_CHECKOUT = Path(__file__).resolve().parents[1]


class _PortsFile(BaseModel):
    model_config = ConfigDict(frozen=True)

    url: str


class _CredentialsFile(BaseModel):
    model_config = ConfigDict(frozen=True)

    admin_token: str
    workspace_api_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The base URL of the public API (no slash at the end) and the control plane's token."""

    url: str
    token: str = field(repr=False)
    state: Path


def find_connection(environ: Mapping[str, str] | None = None) -> Connection:
    """The platform that the environment names, by default the one this checkout runs.

    `HEDDLE_URL` and `HEDDLE_ADMIN_TOKEN` (or `HEDDLE_API_KEY`) come before the files of the state
    folder (`HEDDLE_STATE_DIR`, by default `.heddle`). Raises CommandFailed.
    """
    names = os.environ if environ is None else environ
    state = Path(names.get("HEDDLE_STATE_DIR") or _CHECKOUT / ".heddle")
    url = names.get("HEDDLE_URL") or _read(state / "ports.json", _PortsFile).url
    token = names.get("HEDDLE_ADMIN_TOKEN") or names.get("HEDDLE_API_KEY")
    if not token:
        token = _read(state / "credentials.json", _CredentialsFile).admin_token
    return Connection(url=url.rstrip("/"), token=token, state=state)


def _read(path: Path, kind: type[File]) -> File:
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise CommandFailed(
            f"{path} does not exist. Start the platform with `heddle up`, "
            "or set HEDDLE_URL and HEDDLE_ADMIN_TOKEN."
        ) from error
    except ValidationError as error:
        raise CommandFailed(f"{path} is damaged. Restart the platform.") from error
