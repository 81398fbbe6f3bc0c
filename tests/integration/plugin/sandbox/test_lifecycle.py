"""The sandbox's own processes: they are replaced, bounded, and never left behind."""

import asyncio
import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import ParamSpec, TypeVar
from uuid import UUID

import pytest
import pytest_asyncio
import uvloop

from libs.common.errors import Unavailable
from services.plugin.app.ports.sandbox import Sandbox, SandboxBusy, SandboxLost, SandboxRefused
from services.plugin.domain.sandbox.execution import (
    CodeExecution,
    ExecutionLimits,
    Isolation,
)
from services.plugin.infra.sandbox.options import SandboxOptions
from services.plugin.infra.sandbox.sandbox import ProcessSandbox
from services.plugin.infra.sandbox.zygote_process import Launch, Zygote
from tests.integration.plugin.sandbox.processes import (
    all_end,
    count_descriptors,
    descendants,
    open_handles,
    start_program,
    started_since,
)

P = ParamSpec("P")
T = TypeVar("T")

_ONE = CodeExecution(language="python3", code="def main():\n    return 1", inputs={})
_ONE_IN_JAVASCRIPT = CodeExecution(language="javascript", code="const main = () => 1", inputs={})
_SLEEP = CodeExecution(
    language="python3",
    code="import time\ndef main():\n    print('up', flush=True)\n    time.sleep(60)",
    inputs={},
    limits=ExecutionLimits(wall_seconds=60.0),
)
_SERVICE = """
import asyncio, sys
from services.plugin.domain.sandbox.execution import CodeExecution
from services.plugin.infra.sandbox.options import SandboxOptions
from services.plugin.infra.sandbox.sandbox import ProcessSandbox

async def serve():
    sandbox = ProcessSandbox(SandboxOptions(strongest=sys.argv[1], minimum=sys.argv[1]))
    await sandbox.start()
    code = "import time\\ndef main():\\n    time.sleep(60)"
    running = asyncio.ensure_future(
        sandbox.run(CodeExecution(language="python3", code=code, inputs={})))
    await asyncio.sleep(0)
    print("up", flush=True)
    await running

asyncio.run(serve())
"""

_LEVELS: list[Isolation] = ["bwrap", "landlock"]


@pytest.fixture
def before() -> list[int]:
    """What of ours runs before the test's sandbox does."""
    return descendants(os.getpid())


@pytest_asyncio.fixture(params=_LEVELS)
async def own(request: pytest.FixtureRequest, before: list[int]) -> AsyncIterator[ProcessSandbox]:
    """A sandbox that the test may break."""
    level: Isolation = request.param
    options = SandboxOptions(
        strongest=level,
        minimum=level,
        max_parallel=2,
        max_queued=2,
        max_queued_each=1,
        recycle_after=20,
    )
    sandbox = ProcessSandbox(options)
    await sandbox.start()
    yield sandbox
    await sandbox.close()


async def test_close_leaves_no_process(before: list[int], own: ProcessSandbox) -> None:
    running = asyncio.ensure_future(own.run(_SLEEP))
    await own.run(_ONE)
    pids = started_since(before)
    assert len(pids) >= 8
    handles = open_handles(pids)
    await own.close()
    assert await asyncio.to_thread(all_end, handles, 5.0)
    with pytest.raises((SandboxLost, Unavailable)):
        await running
    with pytest.raises(Unavailable):
        await own.run(_ONE)


async def test_a_start_that_is_cancelled_leaves_no_process(before: list[int]) -> None:
    begun, go = threading.Event(), threading.Event()

    class Slow(ThreadPoolExecutor):
        def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
            def late() -> T:
                begun.set()
                go.wait(10)
                return fn(*args, **kwargs)

            return super().submit(late)

    launch = Launch(
        command=["/bin/sleep", "60"], first_message=lambda _: {}, uid=None, start_seconds=10.0
    )
    with Slow(1) as spawner:
        starting = asyncio.ensure_future(Zygote.start(launch, spawner))
        assert await asyncio.to_thread(begun.wait, 10)
        starting.cancel()
        await asyncio.sleep(0)
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await starting
    assert started_since(before) == []


@pytest.mark.parametrize("level", _LEVELS)
async def test_a_killed_service_leaves_no_process(level: str) -> None:
    service = start_program([sys.executable, "-c", _SERVICE, level])
    assert service.stdout is not None
    assert await asyncio.to_thread(service.stdout.readline) == b"up\n"
    pids = descendants(service.pid)
    assert len(pids) >= 8
    handles = open_handles(pids)
    service.kill()
    await asyncio.to_thread(service.wait)
    service.stdout.close()
    assert await asyncio.to_thread(all_end, handles, 5.0)


async def test_a_killed_zygote_is_replaced(own: ProcessSandbox) -> None:
    running = asyncio.ensure_future(own.run(_SLEEP))
    await own.run(_ONE)
    first = own.zygote_pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    with pytest.raises(SandboxLost):
        await running
    outcome = await _run_when_possible(own)
    assert outcome == 1
    assert own.zygote_pid not in (None, first)


async def test_killed_idle_processes_are_replaced(own: ProcessSandbox) -> None:
    zygote = own.zygote_pid
    assert zygote is not None
    idle = set(descendants(zygote)) - set(_first_two_generations(zygote))
    assert len(idle) >= 12
    handles = open_handles(idle)
    for handle in handles:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    assert await asyncio.to_thread(all_end, handles, 5.0)
    for execution in (_ONE, _ONE_IN_JAVASCRIPT, _ONE, _ONE_IN_JAVASCRIPT):
        assert await _run_when_possible(own, execution) == 1
    assert own.zygote_pid == zygote


async def test_the_zygote_is_renewed(own: ProcessSandbox) -> None:
    first = own.zygote_pid
    assert first is not None
    handles = open_handles([first])
    sleeping = asyncio.ensure_future(
        own.run(CodeExecution(
            language="python3",
            code="import time\ndef main():\n    time.sleep(1.0)\n    return 'slept'",
            inputs={},
        ))
    )  # fmt: skip
    for _ in range(60):
        assert (await own.run(_ONE)).result == 1
    assert own.zygote_pid != first
    # What ran in the old one was not disturbed, and the old one then went.
    assert (await sleeping).result == "slept"
    assert await asyncio.to_thread(all_end, handles, 5.0)


async def test_too_many_at_once_are_refused(own: ProcessSandbox) -> None:
    holders = [asyncio.ensure_future(own.run(_SLEEP)) for _ in range(2)]
    await asyncio.sleep(0)
    waiting = asyncio.ensure_future(own.run(_ONE))
    await asyncio.sleep(0)
    with pytest.raises(SandboxBusy) as refused:
        await own.run(_ONE)
    assert refused.value.retry_after is not None
    holders[0].cancel()
    assert (await waiting).result == 1
    holders[1].cancel()
    await asyncio.gather(*holders, return_exceptions=True)


async def test_a_tenant_with_a_full_queue_does_not_keep_another_waiting(
    own: ProcessSandbox,
) -> None:
    many, other = UUID(int=1), UUID(int=2)
    holders = [asyncio.ensure_future(own.run(replace(_SLEEP, tenant_id=many))) for _ in range(2)]
    await asyncio.sleep(0)
    queued = asyncio.ensure_future(own.run(replace(_SLEEP, tenant_id=many)))
    await asyncio.sleep(0)
    with pytest.raises(SandboxBusy):
        await own.run(replace(_SLEEP, tenant_id=many))
    late = asyncio.ensure_future(own.run(replace(_ONE, tenant_id=other)))
    await asyncio.sleep(0)
    # The first free place is the queue's first; the second is the other tenant's.
    for holder in holders:
        holder.cancel()
    assert (await late).result == 1
    queued.cancel()
    await asyncio.gather(*holders, queued, return_exceptions=True)


async def test_a_cancelled_execution_is_killed(own: ProcessSandbox) -> None:
    handles = open_handles(descendants(os.getpid()))
    running = asyncio.ensure_future(own.run(_SLEEP))
    # The first of the idle ones is taken: a keeper and the process it keeps.
    await own.run(_ONE)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert await asyncio.to_thread(_ended, handles, 4)
    assert (await own.run(_ONE)).result == 1


async def test_it_refuses_to_run_as_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only a service that is root could")
    for level in _LEVELS:
        sandbox = ProcessSandbox(SandboxOptions(strongest=level, minimum=level, uid=0))
        with pytest.raises(SandboxRefused, match="root"):
            await sandbox.start()
        await sandbox.close()


async def test_it_refuses_below_the_minimum(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(program: str, path: str | None = None) -> str | None:
        return None

    monkeypatch.setattr("shutil.which", nowhere)
    strict = ProcessSandbox(SandboxOptions(minimum="bwrap"))
    with pytest.raises(SandboxRefused, match="bubblewrap is not installed"):
        await strict.start()
    await strict.close()
    lenient = ProcessSandbox(SandboxOptions(minimum="landlock"))
    await lenient.start()
    assert lenient.isolation == "landlock"
    await lenient.close()


async def test_it_falls_back_where_namespaces_are_denied(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    denied = tmp_path / "bwrap"
    denied.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2; exit 1")
    for folder in (tmp_path, *tmp_path.parents[:-2], denied):
        folder.chmod(0o755)

    def here(program: str, path: str | None = None) -> str | None:
        return str(denied)

    monkeypatch.setattr("shutil.which", here)
    strict = ProcessSandbox(SandboxOptions(minimum="bwrap"))
    with pytest.raises(SandboxRefused, match="No permissions to create new namespace"):
        await strict.start()
    await strict.close()
    lenient = ProcessSandbox(SandboxOptions(minimum="landlock"))
    await lenient.start()
    assert lenient.isolation == "landlock"
    assert (await lenient.run(_ONE)).isolation == "landlock"
    await lenient.close()


async def test_without_a_cache_folder_it_makes_a_temporary_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    sandbox = ProcessSandbox(SandboxOptions(cache_folder=tmp_path / "file" / "cache"))
    await sandbox.start()
    assert (await sandbox.run(_ONE_IN_JAVASCRIPT)).result == 1
    await sandbox.close()


async def test_it_runs_on_the_services_event_loop() -> None:
    async def scenario() -> tuple[object, object]:
        sandbox = ProcessSandbox(SandboxOptions())
        await sandbox.start()
        results = await asyncio.gather(sandbox.run(_ONE), sandbox.run(_ONE_IN_JAVASCRIPT))
        await sandbox.close()
        return results[0].result, results[1].result

    assert await asyncio.to_thread(uvloop.run, scenario()) == (1, 1)


async def test_a_mixed_load_leaks_nothing(before: list[int]) -> None:
    sandbox = ProcessSandbox(SandboxOptions(recycle_after=40))
    await sandbox.start()
    await sandbox.run(_ONE)
    descriptors = count_descriptors()
    codes = [
        "def main():\n    return 1",
        "def main():\n    return 1 / 0",
        "def main():\n    while True: print('x' * 9999)",
        "import time\ndef main():\n    time.sleep(9)",
        "def main():\n    return bytearray(1 << 40)",
        "import os\ndef main():\n    os.kill(-1, 9)",
    ]
    limits = ExecutionLimits(wall_seconds=0.3)
    jobs = [CodeExecution(language="python3", code=c, inputs={}, limits=limits) for c in codes]
    outcomes = await asyncio.gather(*(sandbox.run(job) for job in jobs * 12))
    assert [outcome.result for outcome in outcomes[:: len(codes)]] == [1] * 12
    await sandbox.run(_ONE)
    # Idle processes hold five descriptors each, and a renewed zygote may still be on its way out.
    assert count_descriptors() <= descriptors + 20
    left = started_since(before)
    assert len(left) <= 40
    handles = open_handles(left)
    await sandbox.close()
    assert await asyncio.to_thread(all_end, handles, 5.0)


async def test_many_at_once_all_end() -> None:
    sandbox: Sandbox = ProcessSandbox(SandboxOptions())
    await sandbox.start()
    jobs = [_ONE, _ONE_IN_JAVASCRIPT] * 30
    outcomes = await asyncio.gather(*(sandbox.run(job) for job in jobs))
    await sandbox.close()
    assert [outcome.result for outcome in outcomes] == [1] * 60


def _ended(handles: list[int], count: int) -> bool:
    """Whether at least `count` of them end in time: two for each execution."""
    waiting = set(handles)
    deadline = time.monotonic() + 5.0
    while len(handles) - len(waiting) < count and time.monotonic() < deadline:
        waiting -= set(select.select(list(waiting), [], [], 5.0)[0])
    for handle in handles:
        os.close(handle)
    return len(handles) - len(waiting) >= count


async def _run_when_possible(sandbox: ProcessSandbox, execution: CodeExecution = _ONE) -> object:
    for _ in range(3):
        try:
            return (await sandbox.run(execution)).result
        except (SandboxLost, Unavailable):
            continue
    raise AssertionError("the sandbox did not recover")


def _first_two_generations(pid: int) -> list[int]:
    """bubblewrap and the zygote below it; the zygote itself where there is no bubblewrap."""
    first = [each for each in descendants(pid) if len(descendants(each)) >= 4]
    return [pid, *first]
