"""What is said on a machine that lacks something: one line, what to do, exit code 1."""

import os
import subprocess
from pathlib import Path

import pytest

from deploy.local.layout import CHECKOUT

_SCRIPT = CHECKOUT / "deploy" / "local" / "prerequisites.py"
_NOBODY = 65534
_AS = [None, _NOBODY] if os.geteuid() == 0 else [None]

pytestmark = pytest.mark.skipif(
    not Path("/usr/bin/python3").exists(), reason="runs the system's interpreter"
)


def _run(path: Path, *, user: int | None = None) -> tuple[int, list[str]]:
    """The exit code and the lines, with nothing but `path` to find programs in."""
    done = subprocess.run(
        ("/usr/bin/python3", "-"),
        input=_SCRIPT.read_text(),
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        cwd="/",
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def _program(folder: Path, name: str, script: str = "exit 0") -> Path:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    for parent in (folder, *folder.parents[:-2]):
        parent.chmod(0o755)
    return program


@pytest.mark.parametrize("user", _AS)
def test_without_bubblewrap_and_apt(tmp_path: Path, user: int | None) -> None:
    code, lines = _run(tmp_path, user=user)
    assert code == 1
    assert len(lines) == 1
    assert lines[0].startswith("Heddle needs bubblewrap")
    assert "(bubblewrap: the sandbox isolates code with it" in lines[0]
    assert "install it with this system's package manager" in lines[0]


def test_without_bubblewrap_and_without_the_right_to_install_it(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    _program(tmp_path, "apt-get", f"touch {asked}")
    code, lines = _run(tmp_path, user=_NOBODY if os.geteuid() == 0 else None)
    assert (code, len(lines)) == (1, 1)
    assert "as root, run `apt-get install -y bubblewrap" in lines[0]
    assert not asked.exists()


def test_a_bubblewrap_where_the_sandbox_does_not_look_is_none(tmp_path: Path) -> None:
    _program(tmp_path, "bwrap")
    code, lines = _run(tmp_path)
    assert code == 1
    assert "bubblewrap" in lines[-1]


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root installs")


@needs_root
@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "echo Reading; echo 'E: Unable to locate package bubblewrap'; echo hint; exit 100",
            "E: Unable to locate package bubblewrap",
        ),
        ("echo 'no network'; exit 1", "no network"),
        ("exit 7", "exit status 7"),
    ],
)
def test_root_is_told_why_apt_failed(tmp_path: Path, script: str, said: str) -> None:
    asked = tmp_path / "asked"
    _program(tmp_path, "apt-get", f'echo "$@" >> {asked}; {script}')
    code, lines = _run(tmp_path)
    assert code == 1
    assert len(lines) == 2
    assert lines[0].startswith("Installing bubblewrap")
    assert f"apt-get could not install it ({said})" in lines[1]
    told = asked.read_text().splitlines()
    assert [line.partition(" ")[0] for line in told] == ["install", "update", "install"]


@needs_root
def test_root_is_told_when_apt_cannot_even_be_run(tmp_path: Path) -> None:
    _program(tmp_path, "apt-get").write_text("#!/no/such/shell\n")
    code, lines = _run(tmp_path)
    assert (code, len(lines)) == (1, 2)
    assert "apt-get could not install it ([Errno 2]" in lines[1]


def test_with_everything_there_it_says_nothing() -> None:
    if _run(Path("/usr/bin")) != (0, []):
        pytest.skip("this machine lacks something itself")
