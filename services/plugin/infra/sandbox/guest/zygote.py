"""Forks a jailed process per order: the parent of every execution, itself inside the sandbox.

Its standard input is a packet socket. The first exchange is a handshake; afterwards each packet
orders one cell and carries five descriptors: monitor, stdin, stdout, stderr, result. A cell is
two processes: the jailed one that runs the code, and its keeper, which kills it when the monitor
socket's other end closes and reports how it ended. Runs on the standard library alone.
"""

import base64
import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120

import jail
import run_command
import run_python

_POLLRDHUP = 0x2000
_SETUP_FAILED = 70
_SCRATCH = "/tmp"  # noqa: S108 - the sandbox's own
_PROGRAMS = "/usr/bin"
_NOTHING = 4096
_ENVIRONMENT = ["PATH=/usr/bin", "HOME=/tmp", "TMPDIR=/tmp", "LANG=C.UTF-8"]


class Zygote:
    """What every cell of this zygote shares."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._node = jail.Executable()
        control.send(json.dumps({"exec_path_address": self._node.address}).encode())
        settings = json.loads(control.recv(1 << 17))
        self._namespaces = settings["isolation"] == "bwrap"
        self._filters = {
            language: base64.b64decode(text) for language, text in settings["filters"].items()
        }
        self._node_path: str = settings["node_path"]
        self._tools_path: str = settings["tools_path"]
        self._worker_path: str = settings["worker_path"]
        self._proc = jail.detach_proc() if self._namespaces else -1
        self._ruleset = -1
        if not self._namespaces:
            rules = [(path, right) for path, right in settings["landlock"]]
            self._ruleset = jail.landlock_ruleset(rules)

    def serve(self) -> None:
        """Fork cells until the control socket closes."""
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        run_python.preload()
        gc.collect()
        gc.freeze()
        self._control.send(b"{}")
        while True:
            message, descriptors, _, _ = socket.recv_fds(self._control, 1 << 16, 5)
            if not message:
                return
            # A failed fork closes the monitor, by which the other side learns of it.
            with contextlib.suppress(OSError):
                if os.fork() == 0:
                    self._keep(json.loads(message), descriptors)
            for descriptor in descriptors:
                os.close(descriptor)

    def _keep(self, order: dict[str, object], descriptors: list[int]) -> None:
        try:
            self._control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            jail.die_with_parent()
            monitor = descriptors[0]
            if self._namespaces:
                jail.enter_namespaces(self._proc)
            jailed = os.fork()
            if jailed == 0:
                self._become(order, descriptors)
            for descriptor in descriptors[1:]:
                os.close(descriptor)
            _watch(jailed, monitor)
        finally:
            os._exit(_SETUP_FAILED)

    def _become(self, order: dict[str, object], descriptors: list[int]) -> None:
        try:
            language = str(order["language"])
            limits: dict[str, int] = order["limits"]  # type: ignore[assignment]
            for target, descriptor in enumerate(descriptors[1:4]):
                os.dup2(descriptor, target)
            if self._namespaces:
                jail.mount_scratch(_SCRATCH, limits["disk_bytes"])
                if language == "command":
                    jail.show_at(self._tools_path, _PROGRAMS)
                jail.mount_scratch(self._tools_path, _NOTHING)
                os.chdir(_SCRATCH)
                jail.drop_capabilities()
            else:
                jail.restrict_files(self._ruleset)
            os.dup2(descriptors[4], 3)
            os.closerange(4, 65536)
            jail.die_with_parent()
            jail.set_limits(
                limits, own_process_count=self._namespaces, python=language != "javascript"
            )
            jail.forbid_new_privileges()
            jail.install_filter(self._filters[language])
            if language == "python3":
                run_python.run()
            if language == "command":
                run_command.run()
            self._execute_node(limits["memory_bytes"])
        finally:
            os._exit(_SETUP_FAILED)

    def _execute_node(self, memory: int) -> None:
        heap = max(32, memory // (2 * 1024 * 1024))
        flags = [f"--max-old-space-size={heap}", "--no-warnings", "--openssl-config=/dev/null"]
        self._node.execute(self._node_path, ["node", *flags, self._worker_path], _ENVIRONMENT)


def _watch(jailed: int, monitor: int) -> None:
    """Report how `jailed` ended; kill it first if the other end of `monitor` closes."""
    process = os.pidfd_open(jailed)
    poller = select.poll()
    poller.register(process, select.POLLIN)
    poller.register(monitor, _POLLRDHUP)
    if not any(descriptor == process for descriptor, _ in poller.poll()):
        os.kill(jailed, signal.SIGKILL)
    _, status, usage = os.wait4(jailed, 0)
    report = {
        "status": status,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_memory_bytes": usage.ru_maxrss * 1024,
    }
    with contextlib.suppress(OSError):
        socket.socket(fileno=monitor).send(json.dumps(report).encode())
    os._exit(0)


if __name__ == "__main__":
    jail.die_with_parent()
    if os.getuid() == 0:
        raise SystemExit("refusing to run as root")
    Zygote(socket.socket(fileno=os.dup(0))).serve()
