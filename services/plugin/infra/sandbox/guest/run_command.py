"""Runs one shell line inside the jail and writes the report. Standard library alone.

This process is the first of its PID namespace: when it ends, whatever the line started ends too.
"""

import base64
import contextlib
import json
import os
import signal
import subprocess

_RESULT = 3
_FOLDER = "/tmp"  # noqa: S108 - each execution's own
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": _FOLDER, "TMPDIR": _FOLDER, "LANG": "C.UTF-8"}
_MOST_FILES = 100


def run() -> None:
    """Read the request from stdin, run its line, write the report, and exit."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    request = json.loads(_read_all(0))
    with open("/dev/null", "rb") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)
    try:
        report = _report(request["code"], request["inputs"], request["result_bytes"])
    except OSError as error:
        report = {"status": "error", "type": type(error).__name__, "message": str(error)}
    raw = json.dumps(report).encode()
    if len(raw) > request["result_bytes"]:
        raw = json.dumps({"status": "limit", "limit": "result"}).encode()
    view = memoryview(raw)
    while view:
        view = view[os.write(_RESULT, view) :]
    os._exit(0)


def _report(line: str, inputs: dict[str, dict[str, str]], most: int) -> dict[str, object]:
    """The files are what the line made or changed, by their path in the workspace."""
    for name, content in inputs["files"].items():
        _place(name, base64.b64decode(content))
    before = {name: _mark(name) for name in _names()}
    ended = subprocess.run(  # noqa: S603 - the line is what this jail is for
        ["/usr/bin/sh", "-c", line],
        check=False,
        env={**inputs["variables"], **_ENVIRONMENT},
        cwd=_FOLDER,
    )
    _end_the_rest()
    changed = [name for name in _names() if before.get(name) != _mark(name)]
    if len(changed) > _MOST_FILES:
        message = f"the command left {len(changed)} files; at most {_MOST_FILES} are kept"
        return {"status": "error", "type": "TooManyFiles", "message": message}
    files: dict[str, str] = {}
    for name in changed:
        with open(os.path.join(_FOLDER, name), "rb") as file:  # noqa: PTH118, PTH123
            content = file.read(most + 1)
        most -= len(content)
        if most < 0:
            return {"status": "limit", "limit": "result"}
        files[name] = base64.b64encode(content).decode()
    return {"status": "ok", "result": {"exit_code": ended.returncode, "files": files}}


def _end_the_rest() -> None:
    """Nothing that the line left behind may change a file while it is read."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)


def _place(name: str, content: bytes) -> None:
    path = os.path.normpath(os.path.join(_FOLDER, name))  # noqa: PTH118
    if not path.startswith(f"{_FOLDER}/"):
        raise PermissionError(f"{name} is no place in the workspace")
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(content)


def _names() -> list[str]:
    """Every plain file below the workspace, no link followed."""
    found: list[str] = []
    for folder, _, names in os.walk(_FOLDER):
        for name in names:
            path = os.path.join(folder, name)  # noqa: PTH118
            if os.path.isfile(path) and not os.path.islink(path):  # noqa: PTH113, PTH114
                found.append(os.path.relpath(path, _FOLDER))
    return sorted(found)


def _mark(name: str) -> tuple[int, int, int]:
    status = os.lstat(os.path.join(_FOLDER, name))  # noqa: PTH118
    return status.st_ino, status.st_size, status.st_mtime_ns


def _read_all(descriptor: int) -> bytes:
    parts: list[bytes] = []
    while part := os.read(descriptor, 1 << 20):
        parts.append(part)
    return b"".join(parts)
