"""Attacks in Python."""

from services.plugin.domain.sandbox.execution import ExecutionLimits, ExecutionOutcome
from tests.integration.plugin.sandbox.attack import (
    CANARY,
    IMPATIENT,
    QUICK,
    Attack,
    Check,
    denied,
    either,
    failed,
    returned,
    stopped,
    stopped_in_memory,
)

_SYSCALLS = """
import ctypes
def main():
    libc = ctypes.CDLL(None, use_errno=True)
    seen = {}
    calls = {"ptrace": 101, "unshare": 272, "mount": 165, "umount": 166, "chroot": 161,
             "pivot_root": 155, "setns": 308, "keyctl": 250, "bpf": 321, "io_uring_setup": 425,
             "userfaultfd": 323, "memfd_create": 319, "perf_event_open": 298,
             "open_by_handle_at": 304, "kexec_load": 246, "process_vm_readv": 310,
             "pidfd_open": 434, "setuid": 105, "capset": 126, "personality": 135,
             "init_module": 175, "reboot": 169, "sethostname": 170, "syslog": 103,
             "add_key": 248, "fsopen": 430, "move_mount": 429, "seccomp": 317, "fork": 57,
             "vfork": 58, "execve": 59, "execveat": 322, "connect": 42, "sendmsg": 46,
             "prctl": 157, "mknod": 133, "shmget": 29, "tkill": 200, "landlock": 444}
    for name, number in calls.items():
        ctypes.set_errno(0)
        returned = libc.syscall(number, 0x10000000, 0, 0, 0, 0)
        seen[name] = (returned, ctypes.get_errno())
    return {name: pair for name, pair in seen.items() if pair != (-1, 1)}
"""

_CLONE = """
import ctypes
def main():
    libc = ctypes.CDLL(None, use_errno=True)
    flags = [17, 0x10000000 | 17, 0x00020000 | 17, 0x10000000 | 0x00010000]
    return [libc.syscall(56, each, 0, 0, 0, 0) for each in flags] + [libc.syscall(435, 0, 0)]
"""

_COMPAT = """
import ctypes, mmap
def main():
    page = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 7)
    page.write(bytes([0xB8, 20, 0, 0, 0, 0xCD, 0x80, 0xC3]))
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    return ctypes.CFUNCTYPE(ctypes.c_int)(address)()
"""

_INHERITED = """
import os
def main():
    for descriptor in range(3, 1024):
        try:
            os.write(descriptor, b'{"kill": "everything"}' * 10)
        except OSError:
            continue
    os.write(0, b"junk")
"""

_SOCKETS = """
import socket
def main():
    kinds = {"tcp": (2, 1), "udp": (2, 2), "tcp6": (10, 1), "unix": (1, 1), "netlink": (16, 3),
             "packet": (17, 3), "vsock": (40, 1)}
    opened = []
    for name, (family, kind) in kinds.items():
        try:
            socket.socket(family, kind)
            opened.append(name)
        except PermissionError:
            continue
    try:
        socket.socketpair(1, socket.SOCK_DGRAM)
        opened.append("datagram pair")
    except PermissionError:
        pass
    return opened
"""

_WRITES = """
import os
def main():
    written = []
    for folder in ("/", "/usr", "/usr/lib", "/dev", "/dev/shm", "/etc", "/guest", "/var/tmp",
                   "/sys", "/proc", "/home", "/root", "/run"):
        try:
            with open(os.path.join(folder, "x"), "w") as file:
                file.write("x")
            written.append(folder)
        except OSError:
            continue
    return written
"""

_SIGNALS = """
import os
def main():
    sent = []
    for target in (-1, 0, 1, 2, os.getppid(), os.getpid()):
        try:
            os.kill(target, 9)
            sent.append(target)
        except PermissionError:
            continue
    return sent
"""

_RLIMITS = """
import resource
def main():
    raised = []
    for name in ("RLIMIT_DATA", "RLIMIT_CPU", "RLIMIT_NPROC", "RLIMIT_FSIZE", "RLIMIT_NOFILE"):
        try:
            resource.setrlimit(getattr(resource, name), (1 << 40, 1 << 40))
            raised.append(name)
        except (ValueError, OSError):
            continue
    return raised
"""

_THREADS = """
import threading, time
def main():
    for _ in range(5000):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
"""

_SMALL_THREADS = "import threading\nthreading.stack_size(32768)\n" + _THREADS

_TAMPER = """
import json, os, sys, io, builtins, gc, traceback
def main():
    json.dumps = json.loads = None
    os._exit = lambda code: None
    sys.stdout = sys.stderr = None
    builtins.__import__ = None
    gc.collect = traceback.walk_tb = None
    raise SystemExit(3)
"""

_ESCAPES = """
import os
def main():
    for name, path in (("a", "/"), ("b", "/proc/1/root"), ("c", "../../../../etc/passwd")):
        os.symlink(path, "/tmp/" + name)
    return [open("/tmp/c").read(), os.listdir("/tmp/b")]
"""


def _no_canary(outcome: ExecutionOutcome) -> bool:
    result = outcome.result
    clean = CANARY not in repr(outcome)
    return (
        clean
        and isinstance(result, dict)
        and set(result) <= {"PATH", "HOME", "TMPDIR", "LANG", "LC_CTYPE", "PWD"}
    )


def _flooded(outcome: ExecutionOutcome) -> bool:
    printed = len(outcome.stdout) + len(outcome.stderr)
    return outcome.limit == "output" and printed == ExecutionLimits().output_bytes


def _attack(name: str, code: str, contained: Check, limits: ExecutionLimits = QUICK) -> Attack:
    return Attack(name=name, language="python3", code=code, contained=contained, limits=limits)


def _main(body: str) -> str:
    return "import os, sys, mmap, ctypes, signal, subprocess, time\ndef main():\n    " + body


PYTHON_ATTACKS = [
    _attack("read-passwd", _main("return open('/etc/passwd').read()"), denied),
    _attack("read-shadow", _main("return open('/etc/shadow').read()"), denied),
    _attack("list-root-home", _main("return os.listdir('/root')"), denied),
    _attack("list-home", _main("return os.listdir('/home')"), denied),
    _attack("list-usr-local", _main("return os.listdir('/usr/local')"), denied),
    _attack("environment", _main("return dict(os.environ)"), _no_canary),
    _attack("parent-environment", _main("return open('/proc/1/environ').read()"), denied),
    _attack("own-proc", _main("return os.readlink('/proc/self/exe')"), denied),
    _attack("core-pattern", _main("open('/proc/sys/kernel/core_pattern','w')"), denied),
    _attack("sockets", _SOCKETS, returned([])),
    _attack("fork-bomb", _main("while True: os.fork()"), denied),
    _attack("subprocess", _main("return subprocess.run(['/usr/bin/id'])"), denied),
    _attack("execve", _main("os.execv('/usr/bin/python3.11', ['python'])"), denied),
    _attack("thread-bomb", _THREADS, stopped("processes", "memory")),
    _attack(
        "small-thread-bomb",
        _SMALL_THREADS,
        stopped("processes", "memory"),
    ),
    _attack("memory-bomb", _main("x = bytearray(1 << 33)"), stopped_in_memory),
    _attack(
        "slow-memory-bomb",
        _main("x = [bytearray(1 << 20) for _ in range(5000)]"),
        stopped_in_memory,
    ),
    _attack("shared-memory-bomb", _main("mmap.mmap(-1, 1 << 33)"), denied),
    _attack(
        "sparse-mapping",
        _main("mmap.mmap(-1, 1 << 40, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ)"),
        denied,
    ),
    _attack(
        "disk-fill",
        _main("for i in range(99): open(f'/tmp/{i}','wb').write(bytes(1 << 20))"),
        either(stopped("disk"), denied),
    ),
    _attack(
        "inode-bomb",
        _main("for i in range(99999): open(f'/tmp/{i}','wb').close()"),
        either(stopped("disk"), denied),
    ),
    _attack(
        "one-big-file",
        _main("open('/tmp/x','wb').write(bytes(20 << 20))"),
        either(stopped("disk"), denied),
    ),
    _attack("output-flood", _main("while True: print('x' * 1000)"), _flooded),
    _attack("error-flood", _main("while True: os.write(2, b'x' * 1000)"), _flooded),
    _attack("infinite-loop", _main("while True: pass"), stopped("cpu")),
    _attack(
        "stubborn-loop",
        _main("signal.signal(signal.SIGXCPU, signal.SIG_IGN)\n    while True: pass"),
        stopped("cpu"),
    ),
    _attack("sleep-forever", _main("time.sleep(9999)"), stopped("wall"), IMPATIENT),
    _attack("write-everywhere", _WRITES, returned([])),
    _attack("system-calls", _SYSCALLS, returned({})),
    _attack("clone-flags", _CLONE, returned([-1, -1, -1, -1, -1])),
    _attack(
        "x32-call",
        _main("return ctypes.CDLL(None).syscall(0x40000000 | 39)"),
        failed("ForbiddenSystemCall"),
    ),
    _attack("32-bit-call", _COMPAT, failed("ForbiddenSystemCall")),
    _attack("kill-everyone", _SIGNALS, returned([])),
    _attack("raise-limits", _RLIMITS, returned([])),
    _attack("inherited-descriptors", _INHERITED, failed("InvalidResult")),
    _attack(
        "report-bomb", _main("os.write(3, b'[' * 60000); os._exit(0)"), failed("InvalidResult")
    ),
    _attack("endless-report", _main("while True: os.write(3, b'1' * 60000)"), stopped("result")),
    _attack(
        "forged-limit",
        _main("""os.write(3, b'{"status":"limit","limit":"x"}'); os._exit(0)"""),
        failed("InvalidResult"),
    ),
    _attack("huge-result", _main("return 'x' * 100_000_000"), stopped("result")),
    _attack(
        "endless-recursion",
        "import sys\nsys.setrecursionlimit(10**9)\ndef main(): return main()",
        either(stopped("memory", "cpu"), failed("Crashed")),
    ),
    _attack("crash", _main("return ctypes.string_at(0)"), failed("Crashed")),
    _attack("exit", _main("os._exit(0)"), failed("NoResult")),
    _attack("tamper", _TAMPER, lambda outcome: outcome.status != "ok"),
    _attack("symlinks", _ESCAPES, denied),
    _attack("terminal-injection", _main("import fcntl\n    fcntl.ioctl(0, 0x5412, b'x')"), denied),
    _attack(
        "lingering-thread",
        _main(
            "from threading import Thread\n"
            "    Thread(target=time.sleep, args=(99,)).start()\n"
            "    return 1"
        ),
        returned(1),
    ),
]
