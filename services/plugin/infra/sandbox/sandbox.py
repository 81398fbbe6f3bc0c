"""The sandbox on this machine: namespaces and seccomp, or Landlock and seccomp."""

import asyncio
import contextlib
import functools
import json
import logging
import os
import platform
import shutil
from concurrent.futures import ThreadPoolExecutor

from libs.common.errors import Busy, InvalidInput, Unavailable
from libs.common.fair_places import FairPlaces
from services.plugin.app.ports.sandbox import SandboxBusy, SandboxLost, SandboxRefused
from services.plugin.domain.sandbox.execution import (
    CodeExecution,
    ExecutionLimits,
    ExecutionOutcome,
    Isolation,
    Language,
)
from services.plugin.domain.sandbox.observation import Observation
from services.plugin.domain.sandbox.verdict import judge
from services.plugin.infra.sandbox.commands import first_message, zygote_command
from services.plugin.infra.sandbox.options import SandboxOptions
from services.plugin.infra.sandbox.runtime_files import RuntimeFiles, discard, prepare
from services.plugin.infra.sandbox.zygote_keeper import ZygoteKeeper
from services.plugin.infra.sandbox.zygote_process import Launch, Zygote

_log = logging.getLogger(__name__)
_STRONGEST_FIRST: tuple[Isolation, ...] = ("bwrap", "landlock")
_PROBES: dict[Language, str] = {
    "python3": "def main():\n    return 1",
    "javascript": "const main = () => 1",
}


class ProcessSandbox:
    """Runs each execution in a jailed process of its own, forked ahead of time."""

    def __init__(self, options: SandboxOptions) -> None:
        self._options = options
        # One thread for as long as the sandbox lives: see Zygote.start.
        self._spawner = ThreadPoolExecutor(1, thread_name_prefix="sandbox-spawner")
        self._keeper: ZygoteKeeper | None = None
        self._files: RuntimeFiles | None = None
        self._isolation: Isolation | None = None
        self._places = FairPlaces(
            options.max_parallel,
            most_each=options.max_parallel,
            most_waiting=options.max_queued,
            most_waiting_each=options.max_queued_each,
        )

    @property
    def isolation(self) -> str:
        """ "bwrap" or "landlock"; raises Unavailable before `start`."""
        return self._found()

    @property
    def zygote_pid(self) -> int | None:
        """Host process id of what executions are forked from, None while there is none."""
        current = self._keeper.current if self._keeper else None
        return current.pid if current else None

    async def start(self) -> None:
        """Find the strongest isolation that works here, and warm up. Raises SandboxRefused."""
        if platform.machine() != "x86_64":
            raise SandboxRefused(f"the system call filter knows x86_64, not {platform.machine()}")
        loop = asyncio.get_running_loop()
        prepared = functools.partial(prepare, self._options.cache_folder)
        files = await loop.run_in_executor(self._spawner, prepared)
        self._files = files
        refusals: list[str] = []
        for isolation in self._allowed_levels():
            try:
                await self._try_level(isolation, files)
            except (SandboxRefused, SandboxLost) as refusal:
                refusals.append(f"{isolation}: {refusal.message}")
                await self._close_keeper()
            else:
                if refusals:
                    _log.warning("sandbox isolation is %s only: %s", isolation, refusals)
                return
        raise SandboxRefused("no allowed isolation works here: " + "; ".join(refusals))

    async def run(self, execution: CodeExecution) -> ExecutionOutcome:
        """See the port."""
        isolation, request = self._found(), _encode(execution)
        if execution.language == "command" and isolation != "bwrap":
            raise SandboxRefused("commands need namespaces, which this machine does not give")
        try:
            await self._places.take(execution.tenant_id)
        except Busy as busy:
            told = "too many executions are waiting"
            raise SandboxBusy(told, retry_after=busy.retry_after) from busy
        try:
            seen = await self._observe(execution.language, execution.limits, request)
        finally:
            self._places.give(execution.tenant_id)
        return judge(seen, execution.limits, isolation)

    async def close(self) -> None:
        """See the port."""
        await self._close_keeper()
        self._isolation = None
        files, self._files = self._files, None
        if files is not None:
            await asyncio.get_running_loop().run_in_executor(self._spawner, discard, files)
        self._spawner.shutdown(wait=False)

    async def _observe(
        self, language: Language, limits: ExecutionLimits, request: bytes
    ) -> Observation:
        if self._keeper is None:
            raise Unavailable("the code sandbox is not started")
        cell = await self._keeper.take(language, limits, self._options.start_seconds)
        return await cell.run(request, limits)

    def _found(self) -> Isolation:
        if self._isolation is None:
            raise Unavailable("the code sandbox is not started")
        return self._isolation

    def _allowed_levels(self) -> tuple[Isolation, ...]:
        first = _STRONGEST_FIRST.index(self._options.strongest)
        last = _STRONGEST_FIRST.index(self._options.minimum)
        return _STRONGEST_FIRST[first : last + 1]

    async def _try_level(self, isolation: Isolation, files: RuntimeFiles) -> None:
        bwrap = shutil.which("bwrap", path="/usr/bin:/bin:/usr/local/bin")
        if isolation == "bwrap" and bwrap is None:
            raise SandboxRefused("bubblewrap is not installed (on Debian: apt install bubblewrap)")
        launch = Launch(
            command=zygote_command(isolation, files, bwrap or ""),
            first_message=functools.partial(first_message, isolation, files),
            uid=self._options.uid if os.geteuid() == 0 else None,
            start_seconds=self._options.start_seconds,
        )
        self._keeper = ZygoteKeeper(
            functools.partial(Zygote.start, launch, self._spawner),
            {
                "python3": self._options.idle_python,
                "javascript": self._options.idle_javascript,
            },
            self._options.recycle_after,
        )
        await self._keeper.start()
        for language, code in _PROBES.items():
            request = _encode(CodeExecution(language=language, code=code, inputs={}))
            seen = await self._observe(language, ExecutionLimits(), request)
            outcome = judge(seen, ExecutionLimits(), isolation)
            if outcome.result != 1:
                raise SandboxRefused(f"{language} does not run: {outcome.error} {outcome.stderr}")
        self._isolation = isolation

    async def _close_keeper(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            with contextlib.suppress(SandboxLost):
                await keeper.close()


def _encode(execution: CodeExecution) -> bytes:
    request = {
        "code": execution.code,
        "inputs": execution.inputs,
        "result_bytes": execution.limits.result_bytes,
    }
    try:
        return json.dumps(request, allow_nan=False).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidInput(f"the code's inputs are not JSON: {error}") from error
