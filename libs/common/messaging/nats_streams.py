"""JetStream streams as our durable subjects need them.

`DurableSubject[Any]`: only its names are read here.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# nats-py leaves parts of its signatures untyped.

import asyncio
from typing import Any

import structlog
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import BadRequestError, NotFoundError
from pydantic import BaseModel

from libs.common.contracts.subjects import DurableSubject
from libs.common.errors import Busy, NotFound, PlatformFault, Unavailable
from libs.common.messaging import headers as names
from libs.common.messaging.body_references import BodyReferences
from libs.common.messaging.dead_letter_headers import Burial, buried, grave
from libs.common.messaging.nats_connection import NatsConnection
from libs.common.messaging.nats_requests import NatsRequests

DEAD_STREAM = "HEDDLE_DEAD"
_MAX_AGE_SECONDS = 7 * 24 * 3600.0
_MAX_MESSAGES = 1_000_000
_DUPLICATE_SECONDS = 120.0
_STORE_SECONDS = 10.0
_CONFLICT_TRIES = 5

_log = structlog.get_logger("heddle.messaging")


class _StoreError(BaseModel):
    description: str = ""


class _Stored(BaseModel):
    """JetStream's answer to a publish."""

    error: _StoreError | None = None


class NatsStreams:
    """Declares streams when they are first needed and stores messages in them."""

    def __init__(
        self, connection: NatsConnection, requests: NatsRequests, bodies: BodyReferences
    ) -> None:
        self.jetstream: JetStreamContext = connection.client.jetstream()
        self._requests = requests
        self._bodies = bodies
        self._declared: set[str] = set()
        self._declaring = asyncio.Lock()
        # A server that returned may have lost its disk.
        connection.on_returned(self._declared.clear)

    async def declare(self, subject: DurableSubject[Any]) -> None:
        """Make sure that the subject's stream stores it. Raises Unavailable."""
        if subject.name in self._declared:
            return
        async with self._declaring:
            await self._declare(
                subject.stream,
                subject.name,
                RetentionPolicy.WORK_QUEUE if subject.work_queue else RetentionPolicy.LIMITS,
                # A full queue of work must be told; old facts may go.
                DiscardPolicy.NEW if subject.work_queue else DiscardPolicy.OLD,
            )
            self._declared.add(subject.name)

    async def bury(self, burial: Burial, body: bytes, headers: dict[str, str]) -> None:
        """Keep a message that was given up as a dead letter. Raises Unavailable or Busy."""
        async with self._declaring:
            await self._declare(DEAD_STREAM, "dead.>", RetentionPolicy.LIMITS, DiscardPolicy.OLD)
        try:
            # Stored anew, so that the body lasts as long as the letter.
            body = await self._bodies.incoming(body, headers)
            headers = {k: v for k, v in headers.items() if k != names.BODY_REF}
        except NotFound:
            _log.warning("body_of_dead_letter_missing", subject=burial.subject)
        await self.store(grave(burial, headers), body, buried(headers, burial, len(body)))

    async def store(self, subject: str, body: bytes, headers: dict[str, str]) -> None:
        """Publish and wait until the stream has it on disk. Raises Unavailable or Busy."""
        body = await self._bodies.outgoing(body, headers, kept=True)
        reply = await self._requests.ask(subject, body, headers, timeout=_STORE_SECONDS)
        answer = _Stored.model_validate_json(reply.data)
        if answer.error is not None:
            raise Busy(f"{subject} was not stored: {answer.error.description}", retry_after=1.0)

    async def enqueue(
        self, subject: DurableSubject[Any], body: bytes, headers: dict[str, str]
    ) -> None:
        await self.declare(subject)
        try:
            await self.store(subject.name, body, headers)
        except Unavailable:
            # The stream may be gone while we believed in it.
            self._declared.discard(subject.name)
            await self.declare(subject)
            headers.pop(names.BODY_REF, None)
            await self.store(subject.name, body, headers)

    async def _declare(
        self, stream: str, subject: str, retention: RetentionPolicy, discard: DiscardPolicy
    ) -> None:
        for _ in range(_CONFLICT_TRIES):
            try:
                if await self._declared_now(stream, subject, retention, discard):
                    return
            except (NatsError, TimeoutError) as error:
                if not isinstance(error, BadRequestError):
                    raise Unavailable(f"stream {stream} cannot be declared: {error}") from error
        raise PlatformFault(f"stream {stream} does not take {subject}")

    async def _declared_now(
        self, stream: str, subject: str, retention: RetentionPolicy, discard: DiscardPolicy
    ) -> bool:
        """False when somebody else changed the stream meanwhile."""
        try:
            info = await self.jetstream.stream_info(stream)
        except NotFoundError:
            await self.jetstream.add_stream(
                StreamConfig(
                    name=stream,
                    subjects=[subject],
                    retention=retention,
                    discard=discard,
                    storage=StorageType.FILE,
                    max_age=_MAX_AGE_SECONDS,
                    max_msgs=_MAX_MESSAGES,
                    duplicate_window=_DUPLICATE_SECONDS,
                )
            )
            return True
        subjects = info.config.subjects or []
        if subject in subjects:
            return True
        await self.jetstream.update_stream(info.config, subjects=[*subjects, subject])
        # Two that add different subjects overwrite each other: look again.
        return False
