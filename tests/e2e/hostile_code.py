"""Code that a platform must survive: what it does, and what must be said of it."""

from dataclasses import dataclass

CANARY = "HEDDLE_E2E_CANARY"
"""A variable in every service's environment, its name also its value, that no code may see."""

_ENDLESS = ("CPU", "10 s")
"""On a busy machine its time on the clock is over before its time on the processor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostileCode:
    """One of `told` is part of the run's error."""

    name: str
    source: str
    told: tuple[str, ...]
    language: str = "python3"


HOSTILE = [
    HostileCode(
        name="loops-for-ever",
        source="def main():\n    while True:\n        pass",
        told=_ENDLESS,
    ),
    HostileCode(
        name="sleeps-for-ever",
        source="import time\ndef main():\n    time.sleep(3600)",
        told=("10 s",),
    ),
    HostileCode(
        name="eats-memory",
        source="def main():\n    held = []\n    while True:\n        held.append(bytearray(2**24))",
        told=("memory",),
    ),
    HostileCode(
        name="forks",
        source="import os\ndef main():\n    while True:\n        os.fork()",
        told=("",),
    ),
    HostileCode(
        name="floods-its-output",
        source="def main():\n    while True:\n        print('x' * 100000)",
        told=("printed more", "10 s"),
    ),
    HostileCode(
        name="returns-too-much",
        source="def main():\n    return {'result': 'x' * 50_000_000}",
        told=("",),
    ),
    HostileCode(
        name="reads-etc-passwd",
        source="def main():\n    return {'result': open('/etc/passwd').read()}",
        told=("/etc/passwd",),
    ),
    HostileCode(
        name="reads-the-environment",
        source=f"import os\ndef main():\n    return {{'result': os.environ[{CANARY!r}]}}",
        told=(CANARY,),
    ),
    HostileCode(
        name="reads-its-parents-environment",
        source=(
            "import os\ndef main():\n"
            "    seen = open(f'/proc/{os.getppid()}/environ').read()\n"
            f"    assert {CANARY!r} not in seen, 'LEAKED'\n"
            "    raise RuntimeError('nothing found')"
        ),
        told=("",),
    ),
    HostileCode(
        name="opens-a-connection",
        source=(
            "import socket\ndef main():\n"
            "    socket.create_connection(('127.0.0.1', 1), 1)\n"
            "    return {'result': 'open'}"
        ),
        told=("",),
    ),
    HostileCode(
        name="javascript-loops-for-ever",
        language="javascript",
        source="function main() { for (;;) {} }",
        told=_ENDLESS,
    ),
    HostileCode(
        name="javascript-reads-etc-passwd",
        language="javascript",
        source=(
            "function main() {\n"
            "  return {result: require('fs').readFileSync('/etc/passwd', 'utf8')}\n"
            "}"
        ),
        told=("",),
    ),
    HostileCode(
        name="javascript-reads-the-environment",
        language="javascript",
        source=f"function main() {{ return {{result: process.env['{CANARY}'].toString()}} }}",
        told=("",),
    ),
]
