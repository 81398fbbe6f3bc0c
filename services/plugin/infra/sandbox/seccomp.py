"""A small assembler for seccomp filters: classic BPF over `struct seccomp_data`.

What is not allowed fails with EPERM; another architecture's calls (32-bit, x32) kill the process,
because their numbers would mean other calls.
"""

import errno
import struct
from dataclasses import dataclass

from services.plugin.domain.sandbox.execution import Isolation
from services.plugin.infra.sandbox import syscalls

_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_JUMP_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_JUMP_AT_LEAST = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_JUMP_ANY_BIT = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_AND = 0x54  # BPF_ALU | BPF_AND | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K

_KILL = 0x80000000
_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000

_AUDIT_ARCH_X86_64 = 0xC000003E
_X32_BIT = 0x40000000
_OFFSET_NUMBER = 0
_OFFSET_ARCH = 4
_SOCK_STREAM = 1
_SOCK_TYPE_MASK = 0xF
_AF_UNIX = 1


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value & 0xFFFFFFFF)


def _refuse(number: int) -> bytes:
    return _instruction(_RETURN, _ERRNO | number)


_RETURN_ALLOW = _instruction(_RETURN, _ALLOW)
_RETURN_KILL = _instruction(_RETURN, _KILL)
_EPERM = _refuse(errno.EPERM)


def _load_argument(index: int, *, high: bool = False) -> bytes:
    return _instruction(_LOAD, 16 + 8 * index + (4 if high else 0))


def _unless_equal(value: int, then: bytes) -> bytes:
    return _instruction(_JUMP_EQUAL, value, 1, 0) + then


def _if_equal(value: int, then: bytes) -> bytes:
    return _instruction(_JUMP_EQUAL, value, 0, 1) + then


def _if_any_bit(mask: int, then: bytes) -> bytes:
    return _instruction(_JUMP_ANY_BIT, mask, 0, 1) + then


def _for_call(number: int, body: bytes) -> bytes:
    """`body` when the call is `number`; the body must end in a return."""
    length = len(body) // 8
    return _instruction(_JUMP_EQUAL, number, 0, length) + body


def _only_values(argument: int, values: tuple[int, ...]) -> bytes:
    allowed = b"".join(_if_equal(value, _RETURN_ALLOW) for value in values)
    return _load_argument(argument) + allowed + _EPERM


def _only_pointer(argument: int, value: int) -> bytes:
    return (
        _load_argument(argument)
        + _unless_equal(value & 0xFFFFFFFF, _EPERM)
        + _load_argument(argument, high=True)
        + _unless_equal(value >> 32, _EPERM)
        + _RETURN_ALLOW
    )


def _clone(*, processes: bool) -> bytes:
    """None in a new namespace; threads only, unless `processes`."""
    return (
        _load_argument(0)
        + _if_any_bit(syscalls.CLONE_NEW_NAMESPACES, _EPERM)
        + _if_any_bit(syscalls.CLONE_THREAD, _RETURN_ALLOW)
        + (_RETURN_ALLOW if processes else _EPERM)
    )


def _mmap() -> bytes:
    """No shared anonymous memory: RLIMIT_DATA does not count it."""
    return (
        _load_argument(3)
        + _instruction(_AND, syscalls.MAP_SHARED | syscalls.MAP_ANONYMOUS)
        + _if_equal(syscalls.MAP_SHARED | syscalls.MAP_ANONYMOUS, _refuse(errno.ENOMEM))
        + _RETURN_ALLOW
    )


def _socketpair() -> bytes:
    """Connected streams only: a datagram socket could still be sent to another address."""
    return (
        _load_argument(0)
        + _unless_equal(_AF_UNIX, _refuse(errno.EACCES))
        + _load_argument(1)
        + _instruction(_AND, _SOCK_TYPE_MASK)
        + _unless_equal(_SOCK_STREAM, _refuse(errno.EACCES))
        + _RETURN_ALLOW
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterOptions:
    """`exec_path_address` is the one pointer from which execve may read its path, 0 for none.

    The address is random and unknown to the code that runs after that execve, whose own memory
    is laid out anew: it cannot execute a second program.
    `commands`: programs may be started and executed, which a PID namespace must hold together.
    """

    isolation: Isolation
    exec_path_address: int = 0
    commands: bool = False


def assemble(options: FilterOptions) -> bytes:
    """The filter as an array of `struct sock_filter`, for PR_SET_SECCOMP."""
    program = [
        _instruction(_LOAD, _OFFSET_ARCH),
        _unless_equal(_AUDIT_ARCH_X86_64, _RETURN_KILL),
        _instruction(_LOAD, _OFFSET_NUMBER),
        _instruction(_JUMP_AT_LEAST, _X32_BIT, 0, 1) + _RETURN_KILL,
    ]
    allowed = dict(syscalls.ALLOWED)
    if options.isolation == "bwrap":
        allowed |= syscalls.ATTRIBUTES
        # Alone in its PID namespace, a process can signal only itself.
        allowed["tgkill"] = syscalls.TGKILL
    if options.commands:
        allowed |= syscalls.COMMANDS
    program += [_if_equal(number, _RETURN_ALLOW) for number in allowed.values()]
    program += [
        _for_call(syscalls.MMAP, _mmap()),
        _for_call(syscalls.CLONE, _clone(processes=options.commands)),
        # glibc falls back to clone, whose flags a filter can read.
        _for_call(syscalls.CLONE3, _refuse(errno.ENOSYS)),
        _for_call(syscalls.IOCTL, _only_values(1, syscalls.HARMLESS_IOCTLS)),
        _for_call(syscalls.FCNTL, _only_values(1, syscalls.HARMLESS_FCNTLS)),
        _for_call(syscalls.PRCTL, _only_values(0, syscalls.HARMLESS_PRCTLS)),
        _for_call(syscalls.PRLIMIT64, _only_pointer(2, 0)),
        _for_call(syscalls.SENDTO, _only_pointer(4, 0)),
        _for_call(syscalls.SOCKETPAIR, _socketpair()),
        _for_call(syscalls.SOCKET, _refuse(errno.EACCES)),
    ]
    if options.commands:
        refuse = _refuse(errno.ENOTSUP)
        program += [_for_call(number, refuse) for number in syscalls.EXTENDED_ATTRIBUTES]
    if options.exec_path_address:
        program.append(_for_call(syscalls.EXECVE, _only_pointer(0, options.exec_path_address)))
    program.append(_EPERM)
    return b"".join(program)
