"""Holes that were once found in sandboxes built this way, each closed for good."""

import asyncio
import os
import threading

import pytest

from services.plugin.domain.sandbox.execution import (
    CodeExecution,
    ExecutionLimits,
    ExecutionOutcome,
)
from services.plugin.infra.sandbox.sandbox import ProcessSandbox
from tests.integration.plugin.sandbox.attack import CANARY
from tests.integration.plugin.sandbox.processes import descendants, environments, user_ids

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _run(
    sandbox: ProcessSandbox, code: str, limits: ExecutionLimits | None = None
) -> ExecutionOutcome:
    return await sandbox.run(
        CodeExecution(language="python3", code=code, inputs={}, limits=limits or ExecutionLimits())
    )


async def test_no_sandbox_process_holds_the_services_environment(sandbox: ProcessSandbox) -> None:
    assert sandbox.zygote_pid is not None
    pids = [sandbox.zygote_pid, *descendants(sandbox.zygote_pid)]
    assert os.environ["HEDDLE_SANDBOX_CANARY"] == CANARY
    assert not any(CANARY.encode() in each for each in environments(pids))


async def test_no_sandbox_process_is_root(sandbox: ProcessSandbox) -> None:
    assert sandbox.zygote_pid is not None
    pids = [sandbox.zygote_pid, *descendants(sandbox.zygote_pid)]
    assert len(pids) >= 6
    assert all(0 not in user_ids(pid) for pid in pids)


async def test_devices_are_not_a_scratch_folder(strong_sandbox: ProcessSandbox) -> None:
    code = (
        "import os\ndef main():\n    seen = []\n"
        "    for path in ('/dev/x', '/dev/shm/x', '/dev/pts/x'):\n"
        "        try:\n            open(path, 'wb')\n            seen.append(path)\n"
        "        except OSError:\n            pass\n"
        "    return seen + sorted(os.listdir('/dev'))"
    )
    outcome = await _run(strong_sandbox, code)
    assert outcome.result == ["null", "random", "urandom", "zero"]


async def test_processes_are_counted_per_execution(sandbox: ProcessSandbox) -> None:
    code = (
        "import threading\ndef main():\n    gate = threading.Barrier(9)\n"
        "    all = [threading.Thread(target=gate.wait) for _ in range(8)]\n"
        "    [each.start() for each in all]\n    gate.wait()\n"
        "    [each.join() for each in all]\n    return len(all)"
    )
    limits = ExecutionLimits(processes=12)
    outcomes = await asyncio.gather(*(_run(sandbox, code, limits) for _ in range(8)))
    assert [outcome.result for outcome in outcomes] == [8] * 8


async def test_the_sandbox_outlives_the_threads_around_it(sandbox: ProcessSandbox) -> None:
    before = sandbox.zygote_pid
    for _ in range(3):
        await asyncio.to_thread(lambda: None)
        short = threading.Thread(target=lambda: None)
        short.start()
        short.join()
    assert (await _run(sandbox, "def main():\n    return 1")).result == 1
    assert sandbox.zygote_pid == before
    assert any("sandbox-spawner" in each.name for each in threading.enumerate())


async def test_memory_outside_the_script_heap_is_bounded(sandbox: ProcessSandbox) -> None:
    outcome = await sandbox.run(
        CodeExecution(
            language="javascript", code="const main = () => Buffer.alloc(1 << 30).length", inputs={}
        )
    )
    assert outcome.limit == "memory"


async def test_processor_and_memory_limits_are_told_apart(sandbox: ProcessSandbox) -> None:
    quick = ExecutionLimits(cpu_seconds=1)
    loop, bomb = await asyncio.gather(
        _run(sandbox, "def main():\n    while True: pass", quick),
        _run(sandbox, "def main():\n    x = []\n    while True: x.append(bytes(1 << 20))", quick),
    )
    assert (loop.limit, bomb.limit) == ("cpu", "memory")
    assert 0.4 <= loop.usage.cpu_seconds <= 2.2


async def test_common_modules_are_loaded_ahead(sandbox: ProcessSandbox) -> None:
    code = (
        "import sys\ndef main():\n"
        "    wanted = ('json', 're', 'datetime', 'urllib.parse', 'decimal', 'random')\n"
        "    return [each for each in wanted if each not in sys.modules]"
    )
    assert (await _run(sandbox, code)).result == []


async def test_scratch_files_are_gone_with_their_execution(strong_sandbox: ProcessSandbox) -> None:
    write = (
        "import os\ndef main():\n    open('/tmp/secret', 'w').write('mine')\n"
        "    os.mkdir('/tmp/folder')\n    return [open('secret').read(), os.getcwd()]"
    )
    assert (await _run(strong_sandbox, write)).result == ["mine", "/tmp"]
    look = "import os\ndef main():\n    return os.listdir('/tmp')"
    for _ in range(6):
        assert (await _run(strong_sandbox, look)).result == []


async def test_executions_at_the_same_time_cannot_see_each_other(
    strong_sandbox: ProcessSandbox,
) -> None:
    code = (
        "import os, time\ndef main():\n    open('/tmp/mine', 'w').close()\n    time.sleep(0.2)\n"
        "    return [os.getpid(), os.listdir('/tmp'), os.path.exists('/proc/self')]"
    )
    outcomes = await asyncio.gather(*(_run(strong_sandbox, code) for _ in range(3)))
    assert [outcome.result for outcome in outcomes] == [[1, ["mine"], False]] * 3


async def test_the_file_system_holds_only_what_the_interpreters_need(
    strong_sandbox: ProcessSandbox,
) -> None:
    folders = "[sorted(os.listdir(each)) for each in ('/', '/usr/bin', '/guest-tools')]"
    code = f"import os\ndef main():\n    return {folders}"
    outcome = await _run(strong_sandbox, code)
    assert isinstance(outcome.result, list)
    root, programs, tools = outcome.result
    assert isinstance(root, list)
    assert set(map(str, root)) <= {
        "bin", "dev", "guest", "guest-node", "guest-tools", "lib", "lib64", "proc", "tmp", "usr"
    }  # fmt: skip
    assert isinstance(programs, list)
    assert len(programs) == 1
    assert tools == []
