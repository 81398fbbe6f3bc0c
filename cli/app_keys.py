"""Keys of apps that this command has imported or run, kept beside the platform's own files."""

import json
import os
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from cli.control_plane import ControlPlane

_KEYS = TypeAdapter(dict[str, str])


class AppKeys:
    """A file of mode 0600, app id to key."""

    def __init__(self, state: Path) -> None:
        self._path = state / "app_keys.json"

    def get(self, app_id: str, plane: ControlPlane) -> str:
        """The app's key; a new one is made when none is known here."""
        key = self._load().get(app_id)
        if key is None:
            key = plane.create_key(app_id)
            self.remember(app_id, key)
        return key

    def remember(self, app_id: str, key: str) -> None:
        keys = self._load() | {app_id: key}
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(keys, file, indent=2)

    def _load(self) -> dict[str, str]:
        try:
            return _KEYS.validate_json(self._path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return {}
