"""Listening for wake-ups as long as there is somebody to nudge."""

import logging
from collections.abc import Callable
from uuid import UUID

from libs.common.clock import Clock
from libs.common.errors import Busy, HeddleError
from services.engine.app.ports.command_channel import CommandChannel

_log = logging.getLogger(__name__)
_LISTEN_SECONDS = 60.0
_REST_SECONDS = 1.0


async def hear_wakes(channel: CommandChannel, nudge: Callable[[UUID], None], clock: Clock) -> None:
    """Nudge the runs that have commands, until cancelled. What is missed the sweep finds."""
    while True:
        try:
            async with channel.heard() as wakes:
                while True:
                    run_id = await wakes.next(timeout=_LISTEN_SECONDS)
                    if run_id is not None:
                        nudge(run_id)
        except Busy:
            continue
        except HeddleError as error:
            _log.info("wake-ups are missed: %s", error)
            await clock.sleep(_REST_SECONDS)
