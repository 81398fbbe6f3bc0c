"""Shell lines in the sandbox: what they may do, and what they may not."""

import base64

import pytest
from pydantic import JsonValue

from services.plugin.app.ports.sandbox import SandboxRefused
from services.plugin.domain.sandbox.execution import (
    MEBIBYTE,
    CodeExecution,
    ExecutionLimits,
    ExecutionOutcome,
)
from services.plugin.infra.sandbox.sandbox import ProcessSandbox
from tests.integration.plugin.sandbox.attack import CANARY

pytestmark = pytest.mark.asyncio(loop_scope="module")

_LIMITS = ExecutionLimits(cpu_seconds=3, wall_seconds=3.0, memory_bytes=64 * MEBIBYTE, processes=16)


async def _run(
    sandbox: ProcessSandbox, line: str, files: dict[str, bytes] | None = None, **variables: str
) -> ExecutionOutcome:
    placed: dict[str, JsonValue] = {
        path: base64.b64encode(content).decode() for path, content in (files or {}).items()
    }
    return await sandbox.run(
        CodeExecution(
            language="command",
            code=line,
            inputs={"files": placed, "variables": {**variables}},
            limits=_LIMITS,
        )
    )


def _files(outcome: ExecutionOutcome) -> dict[str, bytes]:
    assert isinstance(outcome.result, dict), outcome
    files = outcome.result["files"]
    assert isinstance(files, dict)
    return {path: base64.b64decode(str(content)) for path, content in files.items()}


def _code(outcome: ExecutionOutcome) -> JsonValue:
    assert isinstance(outcome.result, dict), outcome
    return outcome.result["exit_code"]


async def test_files_go_in_and_changed_files_come_out(strong_sandbox: ProcessSandbox) -> None:
    line = "mkdir out && sort -n in/a | uniq > out/b && echo done && echo more >> in/c; exit 3"
    outcome = await _run(strong_sandbox, line, {"in/a": b"3\n1\n1\n", "in/c": b"", "d": b"same"})
    assert (_code(outcome), outcome.stdout, outcome.stderr) == (3, "done\n", "")
    assert _files(outcome) == {"out/b": b"1\n3\n", "in/c": b"more\n"}


async def test_values_are_never_a_part_of_the_line(strong_sandbox: ProcessSandbox) -> None:
    outcome = await _run(strong_sandbox, 'echo "$name"', name="a; echo b $(echo c) `echo d`")
    assert outcome.stdout == "a; echo b $(echo c) `echo d`\n"


async def test_common_tools_work(strong_sandbox: ProcessSandbox) -> None:
    line = (
        "seq 3 | xargs -n1 echo | tac | paste -s -d+ - | sed 's/+/-/g' | awk '{print $1}';"
        "cp -p a b && mv b c && tar cf d.tar c && gzip d.tar && tar tzf d.tar.gz; ls -l >&2"
    )
    outcome = await _run(strong_sandbox, line, {"a": b"x"})
    assert (_code(outcome), outcome.stdout) == (0, "3-2-1\nc\n"), outcome


_CONTAINED: list[tuple[str, str, str]] = [
    ("environment", "env; cat /proc/1/environ /proc/self/environ", "HOME=/tmp"),
    ("host-files", "cat /etc/passwd /etc/shadow; ls /root /work /home; echo $?", "2\n"),
    ("system", "echo x > /usr/bin/sh; mkdir /x; rm -f /usr/bin/sort; echo $?", "1\n"),
    ("own-parent", "kill -9 1; kill -INT 1; kill -TERM 1; echo alive", "alive\n"),
    ("report", "echo '{}' >&3; echo alive", "alive\n"),
    ("left-behind", "(sleep 100; echo late) & echo now", "now\n"),
    ("namespaces", "unshare -r true || nsenter -t 1 true || echo no", "no\n"),
    ("interpreters", "python3 -c 1 || perl -e 1 || node -e 1 || echo no", "no\n"),
    (
        "network",
        "echo > /dev/tcp/127.0.0.1/80 || curl 127.0.0.1 || nc 127.0.0.1 1; echo no",
        "no\n",
    ),
]


@pytest.mark.parametrize(
    ("line", "said"), [pytest.param(line, said, id=name) for name, line, said in _CONTAINED]
)
async def test_an_attack_reaches_nothing(
    strong_sandbox: ProcessSandbox, line: str, said: str
) -> None:
    outcome = await _run(strong_sandbox, line)
    assert said in outcome.stdout, outcome
    assert CANARY not in repr(outcome)
    await _innocents_work(strong_sandbox)


_STOPPED: list[tuple[str, str, tuple[str | None, ...]]] = [
    ("endless", "while :; do :; done", ("wall", None)),
    ("asleep", "sleep 100", ("wall",)),
    ("flood", "yes", ("output",)),
    ("fork-bomb", "f() { f | f & }; f; sleep 100", ("wall", None)),
    ("large-file", "cat /dev/zero > a; wc -c < a", (None, "result")),
    ("many-files", "for i in $(seq 9000); do : > $i; done; ls | wc -l", (None,)),
    ("memory", "x=$(yes | head -c 200000000); echo ${#x}", (None,)),
    ("links", "ln -s /guest/jail.py a; ln -s / b; ls b/guest > c", (None,)),
]


@pytest.mark.parametrize(
    ("line", "limits"), [pytest.param(line, limits, id=name) for name, line, limits in _STOPPED]
)
async def test_a_greedy_line_is_stopped(
    strong_sandbox: ProcessSandbox, line: str, limits: tuple[str | None, ...]
) -> None:
    outcome = await _run(strong_sandbox, line)
    assert outcome.limit in limits, outcome
    assert outcome.usage.wall_seconds < _LIMITS.wall_seconds + 2
    assert "a" not in (_files(outcome) if outcome.status == "ok" else {})
    await _innocents_work(strong_sandbox)


@pytest.mark.parametrize("path", ["../a", "/guest/jail.py", "a/../../usr/bin/sh"])
async def test_no_file_is_placed_outside_the_workspace(
    strong_sandbox: ProcessSandbox, path: str
) -> None:
    outcome = await _run(strong_sandbox, "echo fine", {path: b"x"})
    assert outcome.error is not None
    assert outcome.error.type in ("PermissionError", "OSError")


async def test_without_namespaces_there_are_no_commands(sandbox: ProcessSandbox) -> None:
    if sandbox.isolation == "bwrap":
        assert (await _run(sandbox, "echo fine")).stdout == "fine\n"
    else:
        with pytest.raises(SandboxRefused):
            await _run(sandbox, "echo fine")


async def _innocents_work(sandbox: ProcessSandbox) -> None:
    assert (await _run(sandbox, "echo fine")).stdout == "fine\n"
