"""One jailed process, from the outside: it takes one request, and is watched to its end."""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass

from services.plugin.app.ports.sandbox import SandboxLost
from services.plugin.domain.sandbox.execution import ExecutionLimits
from services.plugin.domain.sandbox.observation import Observation, Overflow, ProcessEnd

_CHUNK = 1 << 16
# From the order to kill until the keeper's report: a wait bounded only for a broken machine.
_END_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CellEnds:
    """Both ends of what connects a cell: ours, and the descriptors that the zygote gets."""

    monitor: socket.socket
    stdin: socket.socket
    outputs: tuple[int, int, int]
    far: tuple[int, ...]

    @classmethod
    def open(cls) -> "CellEnds":
        """New sockets and pipes. Ours never block."""
        monitor, far_monitor = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        stdin, far_stdin = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        pipes = [os.pipe2(os.O_CLOEXEC) for _ in range(3)]
        for near, _ in pipes:
            os.set_blocking(near, False)
        monitor.setblocking(False)
        stdin.setblocking(False)
        # What the code writes to its own stdin is nobody's to read.
        stdin.shutdown(socket.SHUT_RD)
        return cls(
            monitor=monitor,
            stdin=stdin,
            outputs=(pipes[0][0], pipes[1][0], pipes[2][0]),
            far=(far_monitor.detach(), far_stdin.detach(), *(far for _, far in pipes)),
        )

    def close_far(self) -> None:
        """Let go of the cell's ends, once the zygote has its own copies."""
        for descriptor in self.far:
            os.close(descriptor)


class Cell:
    """A jailed process that waits for its one request. `on_close` is called once, at its end."""

    def __init__(self, ends: CellEnds, on_close: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._ends = ends
        self._on_close = on_close
        self._collected = {descriptor: bytearray() for descriptor in ends.outputs}
        self._open = set(ends.outputs)
        self._overflow: Overflow | None = None
        self._end: ProcessEnd | None = None
        self._finished: asyncio.Future[None] = self._loop.create_future()
        self._lost = False
        self._closed = False

    @property
    def alive(self) -> bool:
        """Whether the process still waits for its request."""
        try:
            self._ends.monitor.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return not self._closed
        except OSError:
            return False
        return False

    async def run(self, request: bytes, limits: ExecutionLimits) -> Observation:
        """Send the request and watch until the end. Raises SandboxLost if the keeper vanishes."""
        started = self._loop.time()
        caps = (limits.output_bytes, limits.output_bytes, limits.result_bytes + 64)
        for descriptor, cap in zip(self._ends.outputs, caps, strict=True):
            self._loop.add_reader(descriptor, self._read, descriptor, cap)
        self._loop.add_reader(self._ends.monitor, self._read_end)
        deadline = self._loop.call_later(limits.wall_seconds, self._stop, "wall")
        sending = asyncio.ensure_future(self._send(request))
        try:
            async with asyncio.timeout(limits.wall_seconds + _END_SECONDS):
                await self._finished
        except TimeoutError:
            raise SandboxLost("the sandboxed process could not be ended in time") from None
        finally:
            deadline.cancel()
            sending.cancel()
            self.close()
        if self._end is None:
            raise SandboxLost("the sandbox process that ran the code was lost")
        stdout, stderr, report = (bytes(self._collected[each]) for each in self._ends.outputs)
        return Observation(
            end=self._end,
            report=report,
            stdout=stdout,
            stderr=stderr,
            wall_seconds=self._loop.time() - started,
            overflow=self._overflow,
        )

    def close(self) -> None:
        """Kill the process if it still runs, and let go of everything. Idempotent."""
        if self._closed:
            return
        self._closed = True
        for descriptor in self._ends.outputs:
            self._loop.remove_reader(descriptor)
            os.close(descriptor)
        self._loop.remove_reader(self._ends.monitor)
        self._ends.monitor.close()
        self._ends.stdin.close()
        self._on_close()

    async def _send(self, request: bytes) -> None:
        # A process that dies before it has read its request is judged by its end.
        with contextlib.suppress(ConnectionError):
            await self._loop.sock_sendall(self._ends.stdin, request)
            self._ends.stdin.shutdown(socket.SHUT_WR)

    def _read(self, descriptor: int, cap: int) -> None:
        try:
            chunk = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return
        collected = self._collected[descriptor]
        collected += chunk
        stdout, stderr, result = self._ends.outputs
        printed = len(self._collected[stdout]) + len(self._collected[stderr])
        if descriptor != result and printed > cap:
            del collected[max(0, len(collected) - (printed - cap)) :]
            self._stop("output")
        elif descriptor == result and len(collected) > cap:
            self._stop("result")
        elif not chunk:
            self._loop.remove_reader(descriptor)
            self._open.discard(descriptor)
            self._settle()

    def _stop(self, overflow: Overflow) -> None:
        if self._overflow is not None or (overflow == "wall" and self._end is not None):
            return
        self._overflow = overflow
        for descriptor in self._ends.outputs:
            self._loop.remove_reader(descriptor)
        with contextlib.suppress(OSError):
            self._ends.monitor.shutdown(socket.SHUT_WR)
        self._settle()

    def _read_end(self) -> None:
        try:
            packet = self._ends.monitor.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            packet = b""
        self._loop.remove_reader(self._ends.monitor)
        if packet:
            end = json.loads(packet)
            self._end = ProcessEnd.of_wait_status(
                end["status"], cpu_seconds=end["cpu_seconds"], peak=end["peak_memory_bytes"]
            )
        self._lost = not packet
        self._settle()

    def _settle(self) -> None:
        complete = self._end is not None and (not self._open or self._overflow is not None)
        if (self._lost or complete) and not self._finished.done():
            self._finished.set_result(None)
