"""The catalogue, reloaded when its folder changes; a broken change keeps the last good one."""

import asyncio
from pathlib import Path

import structlog

from libs.common.clock import Clock
from services.inference.domain.catalogue.catalogue import Catalogue
from services.inference.infra.sheets.yaml_sheets import (
    SheetsInvalid,
    fingerprint,
    load_catalogue,
)

_LOOK_EVERY_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class WatchedSheets:
    """Looks at the folder once a second: a change is live within two."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._seen = fingerprint(folder)
        self._catalogue = load_catalogue(folder)

    @property
    def catalogue(self) -> Catalogue:
        """The newest valid catalogue."""
        return self._catalogue

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            await self._clock.sleep(_LOOK_EVERY_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Reload if something changed since the last look."""
        try:
            now = await asyncio.to_thread(fingerprint, self._folder)
            if now != self._seen:
                await self._reload()
                self._seen = now
        except (OSError, UnicodeDecodeError) as error:
            # Files come and go while a folder is being replaced; a later look finds it whole.
            _log.warning("sheets_unreadable", reason=str(error))

    async def _reload(self) -> None:
        try:
            self._catalogue = await asyncio.to_thread(load_catalogue, self._folder)
        except SheetsInvalid as error:
            _log.error("sheets_invalid", mistakes=error.mistakes)
        else:
            _log.info("sheets_reloaded", vendors=len(self._catalogue.vendors))
