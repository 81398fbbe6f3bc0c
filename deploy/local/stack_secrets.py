"""Passwords and the master key of the local stack, made once and kept."""

import base64
import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from deploy.local.database_roles import RolePasswords
from deploy.local.private_file import write_private
from deploy.local.stack_error import LocalStackError
from libs.common.sealed_box import SealedBox, SealedBoxRefused

MASTER_KEY_BYTES = 32


class ServerPasswords(BaseModel):
    """What the embedded servers ask for, hexadecimal."""

    model_config = ConfigDict(frozen=True)

    postgres: str
    owner: str
    app: str
    sweeper: str
    nats: str
    redis: str

    def roles(self) -> RolePasswords:
        return RolePasswords(owner=self.owner, app=self.app, sweeper=self.sweeper)


def load_passwords(path: Path) -> ServerPasswords:
    """The passwords at `path`, made at the first call.

    Raises LocalStackError when the file is damaged: new passwords would not open old data.
    """
    try:
        return ServerPasswords.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        pass
    except ValidationError as error:
        raise LocalStackError(f"{path} is damaged.", remedy="Restore it from a backup.") from error
    made = {name: secrets.token_hex(24) for name in ServerPasswords.model_fields}
    write_private(path, json.dumps(made, indent=2) + "\n")
    return ServerPasswords(**made)


def require_master_key(environ: Mapping[str, str]) -> None:
    """Raises LocalStackError when `HEDDLE_MASTER_KEY` is given and is no key."""
    given = environ.get("HEDDLE_MASTER_KEY")
    if not given:
        return
    try:
        SealedBox(SecretStr(given))
    except SealedBoxRefused as error:
        raise LocalStackError(
            f"HEDDLE_MASTER_KEY is not a key of {MASTER_KEY_BYTES} bytes in base64.",
            remedy="Give the key that was used before, or several, separated by commas.",
        ) from error


def load_master_key(path: Path) -> str:
    """The base64 of 32 random bytes that opens stored credentials, made at the first call."""
    try:
        text = path.read_text(encoding="ascii").strip()
        if len(base64.b64decode(text, validate=True)) == MASTER_KEY_BYTES:
            return text
    except FileNotFoundError:
        made = base64.b64encode(secrets.token_bytes(MASTER_KEY_BYTES)).decode()
        write_private(path, made + "\n")
        return made
    except ValueError:
        pass
    raise LocalStackError(
        f"{path} is not a key of {MASTER_KEY_BYTES} bytes in base64.",
        remedy="Restore it from a backup: without it stored credentials stay closed.",
    )
