"""Engines as processes of their own, for tests that kill them."""

import asyncio
import base64
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.local.layout import CHECKOUT
from tests.support.databases import FreshDatabase


class EngineProcesses:
    """Starts `python -m tests.support.poisoned_engine`; the environment is the same for all."""

    def __init__(self, database: FreshDatabase, nats_url: str, objects: Path, **more: str) -> None:
        self._environment = (
            os.environ
            | database.environment()
            | {
                "HEDDLE_NATS_URL": nats_url,
                "HEDDLE_OBJECT_STORE_URL": objects.as_uri(),
                "HEDDLE_MASTER_KEY": base64.b64encode(bytes(32)).decode(),
                "HEDDLE_ENGINE_PORT": "0",
                "HEDDLE_ENGINE_LEASE_SECONDS": "3",
                "HEDDLE_ENGINE_SWEEP_SECONDS": "0.2",
                "HEDDLE_ENGINE_SHUTDOWN_SECONDS": "0",
            }
            | more
        )

    @asynccontextmanager
    async def engine(self) -> "AsyncGenerator[EngineProcess]":
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.support.poisoned_engine",
            cwd=CHECKOUT,
            env=self._environment,
        )
        made = EngineProcess(process)
        try:
            yield made
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


class EngineProcess:
    """One of them."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def children(self) -> list[int]:
        """The process ids of its isolated runs."""
        pid = self._process.pid
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def over(self) -> int:
        """Its exit code; minus the signal that it died of."""
        return await asyncio.wait_for(self._process.wait(), 120)


def is_alive(pid: int) -> bool:
    """Whether there is such a process, and it is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in {"Z", "X"}
