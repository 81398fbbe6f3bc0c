"""A run's own process, seen from both ends.

The starter writes the order as one line on the process's standard input and keeps that open:
closing it, or dying, tells the process to leave.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from dataclasses import dataclass
from uuid import UUID

from pydantic import TypeAdapter

from libs.common.errors import Unavailable
from services.engine.app.ports.run_store import Claim

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class IsolatedOrder:
    """What the process is to do: carry `claim` as the incarnation `worker`. `starter` is the
    process id of whoever started it."""

    worker: UUID
    claim: Claim
    starter: int


_ORDER = TypeAdapter(IsolatedOrder)


class StartedProcess:
    """Implements IsolatedProcess."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def leave(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()

    def kill(self) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def gone(self) -> str | None:
        code = await self._process.wait()
        if code < 0:
            return f"died of signal {-code}"
        return f"ended with exit code {code}" if code else None


class OwnProcesses:
    """Implements IsolatedProcesses: this interpreter with `arguments`, which must lead to `order`
    below, in this process's environment and folder."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments

    async def start(self, worker: UUID, claim: Claim) -> StartedProcess:
        order = IsolatedOrder(worker=worker, claim=claim, starter=os.getpid())
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, *self._arguments, stdin=asyncio.subprocess.PIPE
            )
        except OSError as error:
            raise Unavailable(f"No process for a run could be started: {error}") from error
        if process.stdin is not None:
            # Not drained: one that died at once is told of by its end.
            process.stdin.write(_ORDER.dump_json(order) + b"\n")
        return StartedProcess(process)


def receive_order() -> IsolatedOrder:
    """In the started process, before its loop: the order. From here on it dies with its starter.

    Raises SystemExit when the starter is gone already.
    """
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        # A run that never comes back to the loop would not notice its input being closed.
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    line = sys.stdin.buffer.readline()
    if not line:
        raise SystemExit(0)
    order = _ORDER.validate_json(line)
    if os.getppid() != order.starter:
        raise SystemExit(0)
    return order


async def told_to_leave() -> None:
    """In the started process: wait until its starter tells it to leave, or is gone."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    try:
        await reader.read()
    finally:
        transport.close()
