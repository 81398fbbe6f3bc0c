"""What is run under load: code that works, and code that must be stopped."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from libs.common.contracts.code_execution import CodeCall, CodeResult
from tests.load.profile import WALL_SECONDS

CANARY = "canary-4d1e-of-the-service"
"""Stands in the environment of the service, and in no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One call; `ended` tells whether it ended as it had to."""

    name: str
    code: str
    ended: Callable[[CodeResult], bool]
    language: Literal["python3", "javascript"] = "python3"

    @property
    def call(self) -> CodeCall:
        return CodeCall(
            language=self.language,
            code=self.code,
            inputs={"n": 7},
            wall_seconds=WALL_SECONDS,
        )


def _returned(result: CodeResult) -> bool:
    return (result.status, result.result) == ("ok", {"n": 49})


def _limit(*names: str) -> Callable[[CodeResult], bool]:
    return lambda result: result.status == "limit" and result.limit in names


def _refused(result: CodeResult) -> bool:
    return result.status == "error" and result.error_type in {"PermissionError", "BlockingIOError"}


def _unreadable(result: CodeResult) -> bool:
    denied = {"PermissionError", "FileNotFoundError", "Error"}
    return result.status == "error" and result.error_type in denied


def _blind(result: CodeResult) -> bool:
    return result.status == "ok" and "HEDDLE" not in str(result.result)


GOOD = [
    Load(
        name="good python",
        code="def main(n):\n    return {'n': n * n}",
        ended=_returned,
    ),
    Load(
        name="good javascript",
        code="const main = ({n}) => ({n: n * n})",
        language="javascript",
        ended=_returned,
    ),
    Load(
        name="good with files",
        code=(
            "def main(n):\n    open('/tmp/x', 'w').write('y' * 1_000_000)\n    return {'n': n * n}"
        ),
        ended=_returned,
    ),
]

# A machine with more to do than cores ends what counts its CPU time by the clock.
_TIME = _limit("cpu", "wall")

HARM = [
    Load(name="loops", code="def main(n):\n    while True: pass", ended=_TIME),
    Load(
        name="loops in javascript",
        language="javascript",
        code="function main() { for (;;) {} }",
        ended=_TIME,
    ),
    Load(name="sleeps", code="import time\ndef main(n): time.sleep(999)", ended=_limit("wall")),
    Load(name="forks", code="import os\ndef main(n):\n    while True: os.fork()", ended=_refused),
    Load(
        name="starts threads",
        code=(
            "import threading, time\ndef main(n):\n    while True:\n"
            "        threading.Thread(target=time.sleep, args=(9,), daemon=True).start()"
        ),
        ended=_limit("processes", "memory"),
    ),
    Load(
        name="eats memory",
        code="def main(n):\n    held = []\n    while True: held.append(bytearray(1 << 24))",
        ended=_limit("memory"),
    ),
    Load(
        name="floods its output",
        code="def main(n):\n    while True: print('x' * 9999)",
        ended=_limit("output", "wall"),
    ),
    Load(
        name="fills its disk",
        code=(
            "def main(n):\n    for i in range(999): open(f'/tmp/{i}', 'wb').write(bytes(1 << 20))"
        ),
        ended=lambda result: result.limit == "disk" or result.error_type == "OSError",
    ),
    Load(
        name="returns too much",
        code="def main(n):\n    return 'x' * 50_000_000",
        ended=_limit("result"),
    ),
    Load(
        name="reads a file",
        code="def main(n):\n    return open('/etc/shadow').read()",
        ended=_unreadable,
    ),
    Load(
        name="reads its parent's environment",
        code=("import os\ndef main(n):\n    return open(f'/proc/{os.getppid()}/environ').read()"),
        ended=lambda result: _unreadable(result) or _blind(result),
    ),
    Load(
        name="reads the environment",
        code="import os\ndef main(n):\n    return dict(os.environ)",
        ended=_blind,
    ),
    Load(
        name="kills",
        code="import os\ndef main(n):\n    os.kill(-1, 9)",
        ended=lambda result: result.status == "error",
    ),
]
