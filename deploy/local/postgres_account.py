"""As whom Postgres runs: it refuses to be root."""

import hashlib
import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deploy.local.stack_error import LocalStackError

# Inside its own user namespace root appears as uid 1000, and files stay root's outside.
_NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
_FALLBACK_ROOT = Path("/var/lib/heddle")
_UNPRIVILEGED = ("heddle", "postgres", "nobody")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAccount:
    """`prefix` goes before each command; `user` is the uid to become, None to stay ourselves;
    `data` is where the files live."""

    prefix: tuple[str, ...]
    user: int | None
    data: Path


def choose_account(data: Path) -> PostgresAccount:
    """The least invasive way to run Postgres on `data` for whoever we are.

    Raises LocalStackError when we are root and neither way is open.
    """
    if os.geteuid() != 0:
        return PostgresAccount(prefix=(), user=None, data=data)
    fallback = fallback_folder(data)
    # Data once written as another user stays where it is, whatever the kernel allows today.
    if not fallback.exists() and namespaces_work():
        return PostgresAccount(prefix=_NAMESPACE, user=None, data=data)
    return unprivileged_account(fallback)


def fallback_folder(data: Path) -> Path:
    """Where the data goes when another user must own it: a 0700 folder would lock that user out."""
    mark = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:12]
    return _FALLBACK_ROOT / mark / "postgres"


def namespaces_work() -> bool:
    """Whether the kernel lets us map ourselves to another uid."""
    try:
        probe = subprocess.run([*_NAMESPACE, "true"], check=False, timeout=10, capture_output=True)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return probe.returncode == 0


def unprivileged_account(data: Path) -> PostgresAccount:
    """An existing unprivileged user, owning `data`'s folder."""
    for name in _UNPRIVILEGED:
        try:
            uid = pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
        data.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        os.chown(data.parent, uid, uid)
        return PostgresAccount(prefix=(), user=uid, data=data)
    raise LocalStackError(
        "Postgres does not run as root, user namespaces are off, and no unprivileged user exists.",
        remedy="Run as a normal user, or set HEDDLE_DATABASE_URL to a server of your own.",
    )
