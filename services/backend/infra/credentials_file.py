"""`credentials.json` in the state folder. The port: services.backend.app.ports.credentials_file."""

import asyncio
import json
import os
from pathlib import Path

from pydantic import ValidationError

from services.backend.app.ports.credentials_file import FirstKeys


class StateFolderCredentials:
    """Mode 0600, replaced as a whole."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "credentials.json"

    async def read(self) -> FirstKeys | None:
        return await asyncio.to_thread(self._read)

    async def write(self, keys: FirstKeys) -> None:
        await asyncio.to_thread(self._write, keys)

    def _read(self) -> FirstKeys | None:
        try:
            return FirstKeys.model_validate_json(self._path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def _write(self, keys: FirstKeys) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        new.unlink(missing_ok=True)
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(keys.model_dump(), file, indent=2)
            file.write("\n")
        new.replace(self._path)
