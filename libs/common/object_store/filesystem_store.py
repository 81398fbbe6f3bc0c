"""Objects as files under one folder."""

import os
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from io import BufferedWriter
from pathlib import Path
from uuid import uuid4

from libs.common.object_store.object_keys import checked_key, checked_prefix, missing
from libs.common.object_store.store import STREAM_BYTES, ObjectInfo
from libs.common.object_store.worker_threads import WorkerThreads

_INCOMPLETE = "~incomplete"  # '~' stands in no key


class FilesystemStore:
    """`folder` is created when missing. A file appears whole, after its bytes are on the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._threads = WorkerThreads("objects")

    async def put(self, key: str, body: bytes) -> None:
        await self._threads.run(self._write, self._path(key), body)

    async def put_stream(self, key: str, chunks: AsyncIterable[bytes]) -> int:
        path = self._path(key)
        file = await self._threads.run(_begun, path)
        try:
            size = 0
            async for chunk in chunks:
                size += await self._threads.run(file.write, chunk)
            await self._threads.run(_finish, file, path)
        except BaseException:
            # On this thread: the task may be cancelled, and then nothing is waited for.
            _give_up(file)
            raise
        return size

    async def get(self, key: str) -> bytes:
        try:
            return await self._threads.run(self._path(key).read_bytes)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise missing(key) from error

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        try:
            file = await self._threads.run(self._path(key).open, "rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise missing(key) from error
        try:
            while chunk := await self._threads.run(file.read, STREAM_BYTES):
                yield chunk
        finally:
            file.close()

    async def delete(self, key: str) -> None:
        with suppress(IsADirectoryError, NotADirectoryError, PermissionError):
            await self._threads.run(self._path(key).unlink, missing_ok=True)

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        for info in await self._threads.run(_scan, self._folder, checked_prefix(prefix)):
            yield info

    async def aclose(self) -> None:
        """Let go of the threads."""
        self._threads.close()

    def _path(self, key: str) -> Path:
        return self._folder / checked_key(key)

    def _write(self, path: Path, body: bytes) -> None:
        file = _begun(path)
        try:
            file.write(body)
            _finish(file, path)
        except BaseException:
            _give_up(file)
            raise


def _begun(path: Path) -> BufferedWriter:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f"{uuid4().hex}{_INCOMPLETE}").open("wb")


def _finish(file: BufferedWriter, path: Path) -> None:
    with file:
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)
    _sync_folder(path.parent)


def _give_up(file: BufferedWriter) -> None:
    with suppress(OSError):
        file.close()
    Path(file.name).unlink(missing_ok=True)


def _scan(root: Path, prefix: str) -> list[ObjectInfo]:
    folder = root / prefix.rpartition("/")[0]
    found: list[ObjectInfo] = []
    for path in folder.rglob("*"):
        key = path.relative_to(root).as_posix()
        if not key.startswith(prefix) or key.endswith(_INCOMPLETE):
            continue
        # Another process may delete what was listed a moment ago.
        with suppress(FileNotFoundError):
            if path.is_file():
                status = path.stat()
                modified = datetime.fromtimestamp(status.st_mtime, UTC)
                found.append(ObjectInfo(key=key, size=status.st_size, modified=modified))
    return sorted(found, key=lambda info: info.key)


def _sync_folder(folder: Path) -> None:
    # The new name itself has to reach the disk too.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
