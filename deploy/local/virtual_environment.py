"""Makes `.venv` from the locked requirements: `python3 deploy/local/virtual_environment.py SET`.

SET is `runtime` (what `make run` needs) or `dev` (a superset, for tests and checks). A plain script
of the standard library, because it runs before there is an environment. Nothing is done when the
environment already holds the set at its present locks; a smaller set never removes a larger one.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
SETS = ("runtime", "dev")


def main(wanted: str) -> int:
    """Bring the environment up to `wanted`. Returns the exit code of what failed, or 0."""
    environment = CHECKOUT / ".venv"
    if any(is_current(environment, name) for name in SETS[SETS.index(wanted) :]):
        return 0
    try:
        python = make_environment(environment)
        install(python, wanted)
    except subprocess.CalledProcessError as error:
        print(f"Setting up the environment failed at: {' '.join(map(str, error.cmd))}")
        print("Check the network and the package index; the message above tells more.")
        return error.returncode
    for name in SETS[: SETS.index(wanted) + 1]:
        stamp(environment, name).write_text(fingerprint(name))
    return 0


def stamp(environment: Path, name: str) -> Path:
    """The file that tells at which locks the set was installed."""
    return environment / f"heddle-{name}.sha256"


def fingerprint(name: str) -> str:
    """Changes with the locks of a set, the project's metadata and the interpreter."""
    digest = hashlib.sha256(f"{sys.version_info[:3]}".encode())
    for file in ("requirements/bootstrap.txt", f"requirements/{name}.txt", "pyproject.toml"):
        digest.update((CHECKOUT / file).read_bytes())
    return digest.hexdigest()


def is_current(environment: Path, name: str) -> bool:
    """Whether the environment holds the set at its present locks."""
    try:
        return stamp(environment, name).read_text() == fingerprint(name)
    except FileNotFoundError:
        return False


def make_environment(environment: Path) -> Path:
    """The environment's interpreter, with the installer inside."""
    python = environment / "bin" / "python"
    if not works(python):
        shutil.rmtree(environment, ignore_errors=True)
        run(sys.executable, "-m", "venv", environment)
    run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes",
        "-r", "requirements/bootstrap.txt")  # fmt: skip
    return python


def works(python: Path) -> bool:
    """Whether the interpreter starts and is the version that we run in."""
    question = [python, "-c", "import sys; print(sys.version_info[:2])"]
    try:
        answer = subprocess.run(question, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return answer.stdout.strip() == str(sys.version_info[:2])


def install(python: Path, wanted: str) -> None:
    """The locked set, then the project itself, editable."""
    installer = (python.with_name("uv"), "pip", "install", "-q", "--python", python)
    run(*installer, "--require-hashes", "-r", f"requirements/{wanted}.txt")
    run(*installer, "--no-deps", "--no-build-isolation", "--editable", ".")


def run(*command: "str | Path") -> None:
    """Run to the end in the checkout. Raises CalledProcessError."""
    # The environment is named by --python; an activated other one must not interfere.
    environment = {k: v for k, v in os.environ.items() if k not in {"VIRTUAL_ENV", "PYTHONHOME"}}
    subprocess.run(command, check=True, cwd=CHECKOUT, env=environment)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in SETS:
        sys.exit(f"usage: virtual_environment.py {{{'|'.join(SETS)}}}")
    sys.exit(main(sys.argv[1]))
