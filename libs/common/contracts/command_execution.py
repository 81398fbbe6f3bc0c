"""A shell line as it crosses the wall between engine and plugin."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from libs.common.contracts.document_text import FileSource


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class PlacedFile(_Frozen):
    """A file that lies in the workspace under `path` when the line starts."""

    path: str
    source: FileSource


class CommandCall(_Frozen):
    """Run `line` with `variables` in its environment, isolated by the operating system."""

    line: str
    variables: dict[str, str] = {}
    files: tuple[PlacedFile, ...] = ()
    wall_seconds: float | None = None


class LeftFile(_Frozen):
    """A file that the line made or changed, now in the object store, and for clients at `url` (""
    without an address of the backend). `size` in bytes."""

    path: str
    object_key: str
    size: int
    url: str = ""


class CommandResult(_Frozen):
    """How it ended. status `ok`: the line ran to its end, whatever its `exit_code`. `error`: it
    could not be run. `limit`: stopped by `limit` (wall, output, result, memory, disk)."""

    status: Literal["ok", "error", "limit"]
    exit_code: int | None = None
    stdout: str = ""
    stderr: str = ""
    files: tuple[LeftFile, ...] = ()
    error_message: str = ""
    limit: str | None = None
    wall_seconds: float = 0.0
