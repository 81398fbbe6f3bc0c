"""Waiting, on the event loop, for what can only be asked for."""

import asyncio
from collections.abc import Awaitable, Callable

_ASK_AGAIN_SECONDS = 0.005


async def settled(holds: Callable[[], Awaitable[bool]], *, within: float = 5.0) -> None:
    """Return as soon as `holds()` is true. Raises TimeoutError after `within` seconds."""
    async with asyncio.timeout(within):
        while not await holds():  # noqa: ASYNC110 - nothing tells us
            await asyncio.sleep(_ASK_AGAIN_SECONDS)
