"""Waking a worker for a queued run: a hint that may get lost."""

import logging
from uuid import UUID

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.run_commands import Doorbell
from libs.common.contracts.subjects import RUN_DOORBELL
from libs.common.errors import HeddleError
from libs.common.messaging.bus import MessageBus

_log = logging.getLogger(__name__)


async def ring_doorbell(bus: MessageBus, tenant_id: UUID, run_id: UUID, epoch: int) -> None:
    """Never raises: the sweep finds what a lost doorbell would have said."""
    try:
        await bus.enqueue(
            RUN_DOORBELL,
            Doorbell(tenant_id=tenant_id, run_id=run_id),
            envelope=Envelope(tenant_id=tenant_id),
            # With the epoch: a run handed back within two minutes rings anew.
            message_id=f"{run_id}.{epoch}",
        )
    except HeddleError as error:
        _log.info("no doorbell for run %s: %s", run_id, error)
