"""System calls that shut a process in. Runs inside the sandbox, on the standard library alone."""

import ctypes
import os
import resource
import struct

_PR_SET_PDEATHSIG = 1
_PR_SET_SECCOMP = 22
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_SECCOMP_MODE_FILTER = 2
_SIGKILL = 9
_LAST_CAPABILITY = 40
_CAPABILITY_VERSION_3 = 0x20080522

_CLONE_NEWNS = 0x00020000
_CLONE_NEWIPC = 0x08000000
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWPID = 0x20000000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 2, 4, 8
_MS_BIND, _MS_REC = 4096, 16384
_MNT_DETACH = 2

_SYS_CAPSET = 126
_SYS_LANDLOCK_CREATE_RULESET = 444
_SYS_LANDLOCK_ADD_RULE = 445
_SYS_LANDLOCK_RESTRICT_SELF = 446
_LANDLOCK_RULE_PATH_BENEATH = 1
_LANDLOCK_READ_DIR = 8
_LANDLOCK_RIGHTS = {"execute": 1 | 4, "write": 2, "read": 4 | _LANDLOCK_READ_DIR}

# Address space beyond the memory limit that Python may reserve: libraries and thread arenas.
# It keeps sparse read-only mappings from filling the kernel's page tables.
_ADDRESS_SPACE_SLACK = 1024 * 1024 * 1024
# V8 reserves so much writable space for machine code at its start. It counts as data from then
# on; what V8 puts there counts towards its heap, which has a limit of its own.
_V8_CODE_RANGE = 512 * 1024 * 1024

_libc = ctypes.CDLL(None, use_errno=True)


def _check(returned: int, what: str) -> int:
    if returned < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return returned


def _prctl(option: int, *arguments: int) -> None:
    padded = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    _check(_libc.prctl(option, *padded), f"prctl {option}")


def die_with_parent() -> None:
    """Be killed when the thread that started this process ends."""
    _prctl(_PR_SET_PDEATHSIG, _SIGKILL)


def detach_proc() -> int:
    """A folder descriptor of /proc, after which no path leads there any more."""
    proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
    _check(_libc.umount2(b"/proc", _MNT_DETACH), "umount /proc")
    return proc


def enter_namespaces(proc: int) -> None:
    """New user, mount and IPC namespaces for this process, a new PID namespace for its child.

    A user namespace of its own gives each execution its own count of processes.
    """
    uid, gid, pid = os.getuid(), os.getgid(), os.getpid()
    flags = _CLONE_NEWUSER | _CLONE_NEWNS | _CLONE_NEWPID | _CLONE_NEWIPC
    _check(_libc.unshare(flags), "unshare")
    _write_at(proc, f"{pid}/setgroups", "deny")
    _write_at(proc, f"{pid}/uid_map", f"{uid} {uid} 1")
    _write_at(proc, f"{pid}/gid_map", f"{gid} {gid} 1")


def _write_at(folder: int, path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY, dir_fd=folder)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def mount_scratch(path: str, size: int) -> None:
    """A fresh, empty folder of at most `size` bytes over `path`."""
    options = f"size={size},mode=0700,nr_inodes=4096".encode()
    flags = ctypes.c_ulong(_MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    _check(_libc.mount(b"tmpfs", path.encode(), b"tmpfs", flags, options), "mount")


def show_at(source: str, target: str) -> None:
    """The folder `source`, with all that is mounted in it, also at `target`."""
    flags = ctypes.c_ulong(_MS_BIND | _MS_REC)
    _check(_libc.mount(source.encode(), target.encode(), None, flags, None), "bind")


def landlock_ruleset(rules: list[tuple[str, str]]) -> int:
    """A descriptor of a ruleset that allows only `rules` (path, right): no network."""
    version = _check(
        _libc.syscall(_SYS_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), 1), "landlock"
    )
    bits = 13 + (version >= 2) + (version >= 3) + (version >= 5)
    attributes = struct.pack("=Q", (1 << bits) - 1)
    if version >= 4:
        attributes += struct.pack("=Q", 3)  # bind and connect of TCP
    if version >= 6:
        attributes += struct.pack("=Q", 3)  # abstract sockets and signals
    ruleset = _check(
        _libc.syscall(
            _SYS_LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0
        ),
        "landlock_create_ruleset",
    )
    for path, right in rules:
        if os.path.exists(path):  # noqa: PTH110 - pathlib is not worth its import here
            _allow_beneath(ruleset, path, _LANDLOCK_RIGHTS[right])
    return ruleset


def _allow_beneath(ruleset: int, path: str, rights: int) -> None:
    if not os.path.isdir(path):  # noqa: PTH112
        rights &= ~_LANDLOCK_READ_DIR
    descriptor = os.open(path, os.O_PATH)
    try:
        rule = struct.pack("=Qi", rights, descriptor)
        kind = ctypes.c_int(_LANDLOCK_RULE_PATH_BENEATH)
        _check(_libc.syscall(_SYS_LANDLOCK_ADD_RULE, ruleset, kind, rule, 0), "landlock_add_rule")
    finally:
        os.close(descriptor)


def restrict_files(ruleset: int) -> None:
    """Put this process under a Landlock ruleset, for good."""
    forbid_new_privileges()
    _check(_libc.syscall(_SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")


def set_limits(limits: dict[str, int], *, own_process_count: bool, python: bool) -> None:
    """Bound CPU, memory, files and, where it counts this execution alone, processes."""
    cpu, size = limits["cpu_seconds"], limits["file_bytes"]
    data = limits["memory_bytes"] + (0 if python else _V8_CODE_RANGE)
    # Python handles the soft limit's signal and tells the line. Node cannot, and as the first
    # process of a PID namespace would not even die of it.
    last = cpu if own_process_count and not python else cpu + 1
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, last))
    resource.setrlimit(resource.RLIMIT_DATA, (data, data))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
    if python:
        address_space = data + _ADDRESS_SPACE_SLACK
        resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
    if own_process_count:
        processes = limits["processes"]
        resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))


def drop_capabilities() -> None:
    """Give up every capability, also those that a later exec could bring back."""
    for capability in range(_LAST_CAPABILITY + 1):
        _prctl(_PR_CAPBSET_DROP, capability)
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    _check(_libc.syscall(_SYS_CAPSET, header, bytes(24)), "capset")


def forbid_new_privileges() -> None:
    """No program executed from here on gains rights."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def install_filter(program: bytes) -> None:
    """Confine this process to the system calls that `program` allows, for good."""

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    instructions = ctypes.create_string_buffer(program, len(program))
    packed = Program(len(program) // 8, ctypes.addressof(instructions))
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(packed))


class Executable:
    """A program whose path lies at an address known before the process is filtered."""

    def __init__(self) -> None:
        self._path = ctypes.create_string_buffer(4096)

    @property
    def address(self) -> int:
        """Where the path lies in memory: the one pointer that the filter lets execve read."""
        return ctypes.addressof(self._path)

    def execute(self, path: str, arguments: list[str], environment: list[str]) -> None:
        """Become the program at `path`."""
        self._path.value = path.encode()
        argv = (ctypes.c_char_p * (len(arguments) + 1))(*[a.encode() for a in arguments], None)
        envp = (ctypes.c_char_p * (len(environment) + 1))(*[e.encode() for e in environment], None)
        _check(_libc.execve(self._path, argv, envp), "execve")
