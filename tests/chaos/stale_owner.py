"""What an owner that lost a run may still try: a call and a write under its old epoch."""

import asyncio
import time
from contextlib import suppress
from uuid import UUID, uuid4

from libs.common.clock import SystemClock
from libs.common.contracts.chat import ChatCall
from libs.common.contracts.envelope import Effect, Envelope
from libs.common.contracts.subjects import CHAT
from libs.common.database.asyncpg_pool import create_pool
from libs.common.errors import HeddleError
from libs.common.messaging.nats_bus import NatsBus
from libs.common.object_store.open_store import open_object_store
from services.engine.app.ports.journal_store import Append, Verdict
from services.engine.domain.events.journal import CommandApplied
from services.engine.infra.postgres.journal_store import GroupCommitter

_SECONDS = 10.0
_OLD_EPOCH = 1


async def stale_call(environment: dict[str, str], tenant_id: UUID, run_id: UUID) -> str:
    """The stable code that a model call under the old epoch is refused with."""
    bus = NatsBus(
        environment["HEDDLE_NATS_URL"],
        name="stale-engine",
        object_store=open_object_store(environment["HEDDLE_OBJECT_STORE_URL"]),
        instance=str(uuid4()),
        clock=SystemClock(),
    )
    effect = Effect(
        run_id=run_id,
        epoch=_OLD_EPOCH,
        key=f"{tenant_id}/{run_id}/late/-/1/1",
        request_hash="0" * 64,
        effect_class="model",
    )
    await bus.start()
    try:
        async for _ in bus.stream(
            CHAT,
            ChatCall(model="demo/demo-chat", messages=()),
            envelope=Envelope(tenant_id=tenant_id, effect=effect),
            timeout=_SECONDS,
            idle_timeout=_SECONDS,
        ):
            pass
    except HeddleError as error:
        return error.code
    finally:
        await bus.close()
    return "it was answered"


async def stale_write(
    environment: dict[str, str], tenant_id: UUID, run_id: UUID, seq: int
) -> Verdict:
    """What the journal says to an event at `seq` under the old epoch."""
    settled: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
    event = CommandApplied(
        at=time.time(), command_id=str(uuid4()), command="abort", reason="a stale owner's"
    )
    append = Append(
        tenant_id=tenant_id,
        run_id=run_id,
        epoch=_OLD_EPOCH,
        first_seq=seq,
        settled=lambda _, verdict, __: settled.set_result(verdict),
        events=[event],
    )
    pool = await create_pool(environment["HEDDLE_DATABASE_URL"])
    async with pool:
        committer = GroupCommitter(pool, uuid4())
        writing = asyncio.create_task(committer.run())
        committer.submit(append)
        try:
            return await asyncio.wait_for(settled, _SECONDS)
        finally:
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing
