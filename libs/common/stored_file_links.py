"""Signed, expiring addresses of files that runs have stored: who stores one makes its address, any
replica of the backend answers it. Nothing is kept of them; the address itself is the right to read.
"""

import base64
import binascii
import hashlib
import hmac
import re
from datetime import timedelta
from uuid import UUID

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from libs.common.clock import Clock

LINK_PATTERN = r"/files/n\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"
"""The path of such an address, as a regular expression."""
_TOKEN = re.compile(r"n\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_LONGEST_NAME = 200
_LONGEST_TYPE = 100
_SIGNATURE_BYTES = 16
_DAY = 86_400


class StoredFileAddress(BaseModel):
    """What an address names. `expires_at` is Unix seconds; `sealed_run` the run whose seal is on
    the bytes, None for none."""

    model_config = ConfigDict(frozen=True)

    tenant_id: UUID
    object_key: str
    filename: str
    mime_type: str
    size: int
    expires_at: int = 0
    sealed_run: UUID | None = None


class StoredFileLinks:
    """`master_keys` as in the settings: the first signs, each opens. `base_url` is where clients
    reach the backend, None: files have no address. An address holds for `lasting` at least and
    ends with a day."""

    def __init__(
        self, master_keys: SecretStr, *, base_url: str | None, lasting: timedelta, clock: Clock
    ) -> None:
        # A key of its own, so that a signature says nothing about what seals.
        self._keys = [
            hmac.digest(key.strip().encode(), b"heddle/stored files", hashlib.sha256)
            for key in master_keys.get_secret_value().split(",")
        ]
        self._base = None if base_url is None else base_url.rstrip("/")
        self._lasting = lasting.total_seconds()
        self._clock = clock

    def url(self, file: StoredFileAddress) -> str:
        """Whoever has it may read the file; "" without a base URL."""
        if self._base is None:
            return ""
        update = {
            "filename": file.filename[-_LONGEST_NAME:],
            "mime_type": file.mime_type[:_LONGEST_TYPE],
            "expires_at": end_of_link(self._clock.time(), self._lasting),
        }
        payload = file.model_copy(update=update).model_dump_json().encode()
        return f"{self._base}/files/n.{_text(payload)}.{_text(_signed(self._keys[0], payload))}"

    def address(self, token: str) -> StoredFileAddress | None:
        """What a token of ours names; None for anything else, also for one that is over."""
        matched = _TOKEN.fullmatch(token)
        if matched is None:
            return None
        try:
            payload, signature = _bytes(matched[1]), _bytes(matched[2])
        except (binascii.Error, ValueError):
            return None
        if not any(hmac.compare_digest(_signed(key, payload), signature) for key in self._keys):
            return None
        try:
            address = StoredFileAddress.model_validate_json(payload)
        except ValidationError:
            return None
        return address if self._clock.time() <= address.expires_at else None


def end_of_link(now: float, lasting: float) -> int:
    """The end of the day (UTC) in which `lasting` seconds from `now` are over, in Unix seconds: so
    a file has the same link all day."""
    return (int(now + lasting) // _DAY + 1) * _DAY


def _signed(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, payload, hashlib.sha256)[:_SIGNATURE_BYTES]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
