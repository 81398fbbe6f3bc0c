"""The process that every jailed process is forked from, and its life as seen from the service."""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import JsonValue

from services.plugin.app.ports.sandbox import SandboxLost, SandboxRefused
from services.plugin.domain.sandbox.execution import ExecutionLimits, Language
from services.plugin.infra.sandbox.cell import Cell, CellEnds

_HANDSHAKE_BYTES = 1 << 16
_STDERR_TAIL = 4096
_EXIT_SECONDS = 5.0
# Below these, Node cannot even start.
_LEAST_NODE_PROCESSES = 16
_LEAST_NODE_MEMORY = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How to start a zygote. `uid` is None when the service itself is unprivileged."""

    command: list[str]
    first_message: Callable[[int], dict[str, JsonValue]]
    uid: int | None
    start_seconds: float


class Zygote:
    """A running zygote. Made by `start`."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._process = process
        self._control = control
        self._stderr = bytearray()
        self._retired = False
        self.ordered = 0
        self.live = 0
        self.exited: asyncio.Future[None] = self._loop.create_future()
        self._pidfd = os.pidfd_open(process.pid)
        self._loop.add_reader(self._pidfd, self._reap)
        assert process.stderr is not None
        os.set_blocking(process.stderr.fileno(), False)
        self._loop.add_reader(process.stderr.fileno(), self._read_stderr)

    @classmethod
    async def start(cls, launch: Launch, spawner: Executor) -> "Zygote":
        """Start one and exchange the handshake. Raises SandboxRefused when it cannot start.

        `spawner` runs on one thread that outlives the zygote: the kernel kills a process started
        with PDEATHSIG when the *thread* that started it ends.
        """
        control, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        control.setblocking(False)
        loop = asyncio.get_running_loop()
        spawning = loop.run_in_executor(spawner, _spawn, launch, far)
        try:
            process = await asyncio.shield(spawning)
        except (OSError, subprocess.SubprocessError) as error:
            control.close()
            raise SandboxRefused(f"the sandbox process cannot be started: {error}") from error
        except asyncio.CancelledError:
            # The thread goes on starting it, and nobody else would end it.
            await cls._spawned_for_nobody(spawning, control)
            raise
        finally:
            far.close()
        zygote = cls(process, control)
        try:
            async with asyncio.timeout(launch.start_seconds):
                await zygote._shake_hands(launch)
        except (OSError, TimeoutError, ValueError) as error:
            await zygote.close()
            raise SandboxRefused(
                f"the sandbox process did not start: {zygote.last_words or error!r}"
            ) from error
        except BaseException:
            await zygote.close()
            raise
        return zygote

    @classmethod
    async def _spawned_for_nobody(
        cls, spawning: "asyncio.Future[subprocess.Popen[bytes]]", control: socket.socket
    ) -> None:
        try:
            process = await spawning
        except (OSError, subprocess.SubprocessError):
            control.close()
        else:
            await cls(process, control).close()

    @property
    def last_words(self) -> str:
        """The end of what it wrote to stderr."""
        return self._stderr.decode("utf-8", "replace").strip()

    @property
    def pid(self) -> int:
        """Process id on the host, of bubblewrap where that is used."""
        return self._process.pid

    def order(self, language: Language, limits: ExecutionLimits) -> Cell:
        """Have a new jailed process forked. Raises SandboxLost if the zygote is gone."""
        try:
            ends = CellEnds.open()
        except OSError as error:
            raise SandboxLost(f"no pipe for a sandbox process: {error}") from error
        message = json.dumps({"language": language, "limits": _jail_limits(language, limits)})
        try:
            socket.send_fds(self._control, [message.encode()], list(ends.far))
        except OSError as error:
            ends.close_far()
            Cell(ends, _nothing).close()
            raise SandboxLost("the sandbox process is gone or overloaded") from error
        ends.close_far()
        self.ordered += 1
        self.live += 1
        return Cell(ends, self._cell_closed)

    def retire(self) -> None:
        """End as soon as no execution is left in it."""
        self._retired = True
        if self.live == 0:
            self._kill()

    async def close(self) -> None:
        """Kill it with everything in it, and wait for that."""
        self._kill()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_EXIT_SECONDS):
                await asyncio.shield(self.exited)

    def _cell_closed(self) -> None:
        self.live -= 1
        if self._retired and self.live == 0:
            self._kill()

    def _kill(self) -> None:
        if not self.exited.done():
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _shake_hands(self, launch: Launch) -> None:
        hello = await self._receive()
        _refuse_root(self._process.pid)
        settings = launch.first_message(int(hello["exec_path_address"]))
        await self._loop.sock_sendall(self._control, json.dumps(settings).encode())
        await self._receive()

    async def _receive(self) -> dict[str, int]:
        packet = await self._loop.sock_recv(self._control, _HANDSHAKE_BYTES)
        if not packet:
            # Its last words may still be under way.
            await asyncio.wait_for(asyncio.shield(self.exited), _EXIT_SECONDS)
            raise ConnectionError("it ended at once")
        return json.loads(packet)

    def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        with contextlib.suppress(BlockingIOError):
            chunk = os.read(self._process.stderr.fileno(), 1 << 16)
            self._stderr = (self._stderr + chunk)[-_STDERR_TAIL:]
            if not chunk:
                self._loop.remove_reader(self._process.stderr.fileno())

    def _reap(self) -> None:
        if self._process.poll() is None:
            return
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        assert self._process.stderr is not None
        self._read_stderr()
        self._loop.remove_reader(self._process.stderr.fileno())
        self._process.stderr.close()
        self._control.close()
        self.exited.set_result(None)


def _spawn(launch: Launch, control: socket.socket) -> subprocess.Popen[bytes]:
    # Nothing of the service's environment: bwrap keeps its own, readable in a /proc.
    return subprocess.Popen(  # noqa: S603 - a command line of our own making
        launch.command,
        stdin=control.fileno(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={},
        cwd="/",
        start_new_session=True,
        user=launch.uid,
        group=launch.uid,
        extra_groups=None if launch.uid is None else [],
    )


def _refuse_root(pid: int) -> None:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(each for each in status.splitlines() if each.startswith("Uid:"))
    if "0" in line.split()[1:]:
        raise SandboxRefused("the sandbox process runs as root")


def _jail_limits(language: Language, limits: ExecutionLimits) -> dict[str, int | float]:
    wanted: dict[str, int | float] = asdict(limits)
    if language == "javascript":
        wanted["processes"] = max(limits.processes, _LEAST_NODE_PROCESSES)
        wanted["memory_bytes"] = max(limits.memory_bytes, _LEAST_NODE_MEMORY)
    return wanted


def _nothing() -> None:
    return None
