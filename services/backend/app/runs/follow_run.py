"""Follow a run from any point to its end, whatever gets lost on the way."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from libs.common.clock import Clock
from libs.common.contracts.run_commands import TERMINAL_STATUSES
from libs.common.contracts.run_events import RunEventMessage
from libs.common.contracts.subjects import run_live
from libs.common.errors import Busy, NotFound, Unavailable, UpstreamTimeout
from libs.common.messaging.bus import Listener, MessageBus
from services.backend.app.errors import RunSetAside
from services.backend.app.ports.delta_tail import DeltaTail
from services.backend.app.runs.engine_runs import EngineRuns
from services.backend.app.runs.record_end import RecordEnd
from services.backend.domain.runs.resume_point import START, ResumePoint
from services.backend.domain.runs.run_joiner import JoinedItem, RunJoiner, Transient

SILENCE_SECONDS = 5.0
"""How long nothing may be heard before the engine is asked."""

_AWAY_SECONDS = 1.0
_BEHIND = 100
"""A reader with more messages waiting than this is spared what is transient."""
SET_ASIDE_STATUSES = frozenset({"quarantined", "incompatible"})
"""A run in one of these goes on by itself never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Nothing happened for a while; the run goes on."""


FollowedItem = JoinedItem | Quiet


async def _nothing() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowRun:
    bus: MessageBus
    engine: EngineRuns
    record_end: RecordEnd
    clock: Clock
    tail: DeltaTail

    async def __call__(
        self,
        tenant_id: UUID,
        run_id: UUID,
        *,
        seen: ResumePoint = START,
        once_listening: Callable[[], Awaitable[bool]] = _nothing,
    ) -> AsyncGenerator[FollowedItem]:
        """What happened after `seen`, to the run's end; its outcome is on record before the last
        item is released.

        `once_listening` runs as soon as nothing can be missed any more, for handing the run over;
        it answers whether there may be something to read from the store already. A part of the
        platform being away only delays: Quiet items come meanwhile.
        """
        follower = _Follower(self, tenant_id, run_id, RunJoiner(seen))
        async with aclosing(follower.items(once_listening)) as items:
            async for item in items:
                yield item


class _Follower:
    def __init__(self, parts: FollowRun, tenant_id: UUID, run_id: UUID, joiner: RunJoiner) -> None:
        self._parts = parts
        self._tenant_id = tenant_id
        self._run_id = run_id
        self._joiner = joiner

    async def items(
        self, once_listening: Callable[[], Awaitable[bool]]
    ) -> AsyncGenerator[FollowedItem]:
        first = True
        while self._joiner.finished is None:
            try:
                async with self._parts.bus.listen(run_live(self._tenant_id, self._run_id)) as heard:
                    read_first = await once_listening() if first else True
                    first = False
                    async with aclosing(self._session(heard, read_first=read_first)) as items:
                        async for item in items:
                            yield item
            except Busy:
                continue  # too slow for the live part: start over from the store
            except (Unavailable, UpstreamTimeout):
                yield Quiet()
                await self._parts.clock.sleep(_AWAY_SECONDS)

    async def _session(
        self, heard: Listener[RunEventMessage], *, read_first: bool
    ) -> AsyncGenerator[FollowedItem]:
        if read_first:
            async for item in self._stored():
                yield item
            if self._joiner.finished is None:
                kept = await self._parts.tail.read(self._tenant_id, self._run_id)
                for item in self._joiner.hear(kept):
                    yield item
        while self._joiner.finished is None:
            message = await heard.next(timeout=SILENCE_SECONDS)
            if message is None:
                yield Quiet()
                if await self._behind():
                    async for item in self._stored():
                        yield item
                continue
            items = _bearable(self._joiner.hear(message.events), heard.behind)
            async for item in self._recorded(items):
                yield item
            if self._joiner.gap:
                async for item in self._stored():
                    yield item

    async def _stored(self) -> AsyncIterator[JoinedItem]:
        """Everything in the store that the joiner lacks."""
        more = True
        while more and self._joiner.finished is None:
            try:
                page = await self._parts.engine.events(
                    self._tenant_id, self._run_id, self._joiner.seq
                )
            except NotFound:
                return  # not handed over yet
            async for item in self._recorded(list(self._joiner.read(page.events))):
                yield item
            more = page.more and bool(page.events)

    async def _recorded(self, items: list[JoinedItem]) -> AsyncIterator[JoinedItem]:
        finished = self._joiner.finished
        while finished is not None:
            try:
                await self._parts.record_end.of_event(
                    self._tenant_id, self._run_id, finished, self._joiner.text
                )
                break
            except Unavailable:
                # The joiner has moved on: these items exist only here until they are released.
                await self._parts.clock.sleep(_AWAY_SECONDS)
        for item in items:
            yield item

    async def _behind(self) -> bool:
        try:
            view = await self._parts.engine.view(self._tenant_id, self._run_id)
        except NotFound:
            return False
        if view.last_public_seq > self._joiner.seq or view.status in TERMINAL_STATUSES:
            return True
        if view.status in SET_ASIDE_STATUSES:
            raise RunSetAside(
                f"The run is {view.status}: it cannot go on until an operator has acted.",
                extra={"workflow_run_id": str(self._run_id), "task_id": str(self._run_id)},
            )
        return False


def _bearable(items: Iterable[JoinedItem], behind: int) -> list[JoinedItem]:
    return [item for item in items if behind <= _BEHIND or not isinstance(item, Transient)]
