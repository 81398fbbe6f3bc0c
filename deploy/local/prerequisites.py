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


def main() -> int:
    """Check, install what we may, report the rest. Returns the exit code."""
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
    if os.geteuid() == 0 and Path("/usr/bin/apt-get").exists():
        print(f"Installing {' '.join(missing)}.", flush=True)
        install(sorted(missing))
        missing = missing_packages()
    for package, why in sorted(missing.items()):
        print(f"Missing {package}: {why}. As root: apt-get install -y {package}")
    return 1 if missing else 0


def missing_packages() -> "dict[str, str]":
    """Debian's name of what is missing -> what it is for."""
    found: dict[str, str] = {}
    if sys.platform.startswith("linux"):
        if not shutil.which("bwrap"):
            found["bubblewrap"] = "the sandbox isolates code with it"
        if not any(Path(f"/usr/bin/python3.{minor}").exists() for minor in range(11, 20)):
            found["python3"] = "code nodes run in /usr/bin/python3.11 or newer"
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        found["python3-venv"] = "an environment cannot be made without it"
    return found


def install(packages: "list[str]") -> None:
    """Install, reading the package lists once when they turn out to be missing or old."""
    wanted = ("install", "-y", "-q", "--no-install-recommends", *packages)
    done = apt_get(*wanted)
    if done.returncode != 0:
        apt_get("update", "-q")
        done = apt_get(*wanted)
    if done.returncode != 0:
        print(done.stdout)


def apt_get(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run it, never asking; output and errors come back together."""
    return subprocess.run(
        ("/usr/bin/apt-get", *arguments),
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=APT_SECONDS,
        check=False,
    )


if __name__ == "__main__":
    sys.exit(main())
