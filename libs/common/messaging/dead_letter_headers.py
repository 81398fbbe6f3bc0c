"""A dead letter on NATS: the subject it lies under, and what its headers tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.messaging import headers as names
from libs.common.messaging.dead_letters import PLATFORM, DeadLetter

_PREFIX = "Heddle-Dead-"
_FIRST = f"{_PREFIX}First-Error"
_LAST = f"{_PREFIX}Reason"
_SUBJECT = f"{_PREFIX}Subject"
_CONSUMER = f"{_PREFIX}Consumer"
_DELIVERIES = f"{_PREFIX}Deliveries"
_SIZE = f"{_PREFIX}Bytes"
REASON_CHARACTERS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Burial:
    """Why and by whom a message was given up. `first_error` None: not seen here."""

    stream: str
    durable: str
    subject: str
    sequence: int
    deliveries: int
    first_error: str | None
    last_error: str

    @property
    def message_id(self) -> str:
        return f"{self.stream}.{self.durable}.{self.sequence}"


def grave(burial: Burial, headers: Mapping[str, str]) -> str:
    """Where the letter lies: tenant, stream and consumer before the subject itself."""
    owner = _tenant(headers)
    return f"dead.{owner or PLATFORM}.{burial.stream}.{burial.durable}.{burial.subject}"


def graves_of(tenant: str, subject: str | None) -> str:
    """The filter for one owner's letters."""
    return f"dead.{tenant}.*.*.{subject or '>'}"


def owner_of(grave: str) -> str:
    """The tenant's id, or `platform`."""
    return grave.split(".", 2)[1]


def buried(headers: Mapping[str, str], burial: Burial, size: int) -> dict[str, str]:
    """The headers of the letter: the message's own, and what is known of its end."""
    told = living(headers)
    told |= {
        _LAST: _line(burial.last_error),
        _SUBJECT: burial.subject,
        _CONSUMER: burial.durable,
        _DELIVERIES: str(burial.deliveries),
        _SIZE: str(size),
        names.MESSAGE_ID: burial.message_id,
    }
    if burial.first_error is not None:
        told[_FIRST] = _line(burial.first_error)
    return told


def living(headers: Mapping[str, str]) -> dict[str, str]:
    """The message's own headers again, without those of one delivery."""
    passing = {names.MESSAGE_ID, names.ONLY_FOR}
    return {k: v for k, v in headers.items() if not k.startswith(_PREFIX) and k not in passing}


def letter_of(letter_id: int, headers: Mapping[str, str], at: datetime) -> DeadLetter:
    return DeadLetter(
        id=letter_id,
        tenant_id=_tenant(headers),
        subject=headers[_SUBJECT],
        consumer=headers[_CONSUMER],
        first_error=headers.get(_FIRST),
        last_error=headers[_LAST],
        deliveries=int(headers[_DELIVERIES]),
        buried_at=at,
        size=int(headers[_SIZE]),
    )


def _tenant(headers: Mapping[str, str]) -> UUID | None:
    try:
        return UUID(headers[names.TENANT])
    except (KeyError, ValueError):
        return None


def _line(reason: str) -> str:
    # A header is one line.
    return " ".join(reason[:REASON_CHARACTERS].split())
