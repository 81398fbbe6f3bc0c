"""What the machine itself must offer: `python3 deploy/local/prerequisites.py`.

A plain script for any Python 3: it runs before there is an environment. As root on a Debian it
installs what is missing; otherwise it says in one line what to do. Exit code 1 when something that
cannot be done without is missing.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

LOWEST, BEYOND = (3, 11), (3, 13)
APT_SECONDS = 300
# Where the sandbox looks, whoever starts it.
SANDBOX_PATH = ("/usr/bin", "/bin", "/usr/local/bin")


def main() -> int:
    """Check, install what we may, say what is left to do. Returns the exit code."""
    version = sys.version_info[:2]
    if not LOWEST <= version < BEYOND:
        print(
            f"Heddle needs Python 3.11 or 3.12, this is {version[0]}.{version[1]}: "
            "install one and name it, as in `make run PYTHON=python3.11`."
        )
        return 1
    missing = missing_packages()
    if not missing:
        return 0
    apt, said = shutil.which("apt-get"), ""
    if apt and os.geteuid() == 0:
        print(f"Installing {' '.join(sorted(missing))}.", flush=True)
        said = install(apt, sorted(missing))
        missing = missing_packages()
    if missing:
        print(what_to_do(missing, apt, said))
    return 1 if missing else 0


def missing_packages() -> "dict[str, str]":
    """Debian's name of what is missing -> what it is for."""
    found: dict[str, str] = {}
    if sys.platform.startswith("linux"):
        if str(Path(shutil.which("bwrap") or "").parent) not in SANDBOX_PATH:
            found["bubblewrap"] = "the sandbox isolates code with it"
        if not any(Path(f"/usr/bin/python3.{minor}").exists() for minor in range(11, 20)):
            found["python3"] = "code nodes run in /usr/bin/python3.11 or newer"
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        found["python3-venv"] = "an environment cannot be made without it"
    return found


def what_to_do(missing: "dict[str, str]", apt: "str | None", said: str) -> str:
    """One line. `said` is why apt-get did not help, "" where it was not asked."""
    names = " ".join(sorted(missing))
    needed = "; ".join(f"{name}: {missing[name]}" for name in sorted(missing))
    if said:
        remedy = f"apt-get could not install it ({said}); put that right, or install it yourself"
    elif apt:
        remedy = f"as root, run `apt-get install -y {names}`"
    else:
        remedy = "install it with this system's package manager (the names are Debian's)"
    return f"Heddle needs {names} ({needed}): {remedy}, then run this again."


def install(apt: str, packages: "list[str]") -> str:
    """Install, reading the package lists once when they turn out to be missing or old.

    Returns the last thing that apt-get had to say, "" when all went well.
    """
    wanted = ("install", "-y", "-q", "--no-install-recommends", *packages)
    if not apt_get(apt, *wanted):
        return ""
    apt_get(apt, "update", "-q")
    return apt_get(apt, *wanted)


def apt_get(apt: str, *arguments: str) -> str:
    """Run it, never asking; why it failed in one line, "" when it did not."""
    try:
        done = subprocess.run(
            (apt, *arguments),
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=APT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return " ".join(str(error).split())
    if done.returncode == 0:
        return ""
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("E: ")]
    return (errors or lines or [f"exit status {done.returncode}"])[-1]


if __name__ == "__main__":
    sys.exit(main())
