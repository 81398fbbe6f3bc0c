"""API keys: what they look like and what they open."""

import hashlib
import re
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

KeyKind = Literal["app", "ws", "adm"]
PLATFORM_TENANT = UUID(int=0)
"""Owns what must be found before a tenant is known: the index of keys."""

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
KEY_LENGTH = 32
_SHAPE = re.compile(rf"^(app|ws|adm)-[0-9A-Za-z]{{{KEY_LENGTH}}}$")


class Principal(BaseModel):
    """Who calls. `app_id` is set for kind `app` only; `ws` and `adm` speak for the workspace."""

    model_config = ConfigDict(frozen=True)

    tenant_id: UUID
    key_id: UUID
    kind: KeyKind
    app_id: UUID | None = None


class KeyRecord(BaseModel):
    """A key as lists tell it: never the key. `last4` "" and `last_used_at` None: not known."""

    model_config = ConfigDict(frozen=True)

    key_id: UUID
    kind: KeyKind
    app_id: UUID | None
    last4: str
    created_at: datetime
    last_used_at: datetime | None


def key_hash(key: str) -> str:
    """The SHA-256 hex digest under which a key is stored."""
    return hashlib.sha256(key.encode()).hexdigest()


def is_key(text: str) -> bool:
    """Whether `text` has the form of a key; says nothing about its validity."""
    return _SHAPE.match(text) is not None


def key_from_number(kind: KeyKind, number: int) -> str:
    """The key of `kind` that a large random or derived number spells in base 62."""
    letters: list[str] = []
    for _ in range(KEY_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[digit])
    return f"{kind}-{''.join(letters)}"
