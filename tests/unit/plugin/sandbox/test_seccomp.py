"""The filter's answers to the calls that matter."""

import errno

import pytest

from services.plugin.infra.sandbox import syscalls
from services.plugin.infra.sandbox.seccomp import FilterOptions, assemble
from tests.unit.plugin.sandbox.filter_machine import ALLOW, KILL, verdict

_PATH = 0x7F12_3456_7890
_PYTHON = assemble(FilterOptions(isolation="bwrap"))
_NODE = assemble(FilterOptions(isolation="bwrap", exec_path_address=_PATH))
_LANDLOCK = assemble(FilterOptions(isolation="landlock"))
_COMMANDS = assemble(FilterOptions(isolation="bwrap", commands=True))
_EVERY = (_PYTHON, _NODE, _LANDLOCK)
_I386 = 0x40000003


def test_what_is_listed_is_allowed() -> None:
    for program in _EVERY:
        assert all(verdict(program, number) == ALLOW for number in syscalls.ALLOWED.values())


def test_everything_else_fails_with_eperm() -> None:
    decided = {
        getattr(syscalls, name)
        for name in dir(syscalls)
        if name.isupper() and isinstance(getattr(syscalls, name), int)
    }
    known = set(syscalls.ALLOWED.values()) | set(syscalls.ATTRIBUTES.values()) | decided
    for program in _EVERY:
        unknown = [number for number in range(600) if number not in known]
        assert {verdict(program, number) for number in unknown} == {-errno.EPERM}


@pytest.mark.parametrize("number", [0, 1, 59, 101, 0x3FFFFFFF])
def test_other_architectures_are_killed(number: int) -> None:
    for program in _EVERY:
        assert verdict(program, number, arch=_I386) == KILL
        assert verdict(program, number | 0x40000000) == KILL
        assert verdict(program, 0xFFFFFFFF) == KILL


def test_only_threads_may_be_cloned() -> None:
    thread = 0x003D0F00
    for program in _EVERY:
        assert verdict(program, syscalls.CLONE, thread) == ALLOW
        assert verdict(program, syscalls.CLONE, 17) == -errno.EPERM
        for bit in (0x80, 0x20000, 0x02000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
            assert verdict(program, syscalls.CLONE, thread | bit) == -errno.EPERM
        assert verdict(program, syscalls.CLONE3) == -errno.ENOSYS


def test_commands_may_start_programs_and_enter_no_namespace() -> None:
    for number in (*syscalls.ALLOWED.values(), *syscalls.COMMANDS.values()):
        assert verdict(_COMMANDS, number) == ALLOW
    assert verdict(_COMMANDS, syscalls.CLONE, 17) == ALLOW
    for bit in (0x80, 0x20000, 0x02000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert verdict(_COMMANDS, syscalls.CLONE, 17 | bit) == -errno.EPERM
    assert verdict(_COMMANDS, syscalls.CLONE3) == -errno.ENOSYS
    assert verdict(_COMMANDS, syscalls.SOCKET) == -errno.EACCES
    for number in syscalls.EXTENDED_ATTRIBUTES:
        assert verdict(_COMMANDS, number) == -errno.ENOTSUP
    for program in _EVERY:
        only_theirs = set(syscalls.COMMANDS.values()) - {syscalls.EXECVE}
        assert {verdict(program, number) for number in only_theirs} == {-errno.EPERM}


def test_only_the_given_pointer_may_be_executed() -> None:
    assert verdict(_NODE, syscalls.EXECVE, _PATH) == ALLOW
    assert verdict(_NODE, syscalls.EXECVE, _PATH + 1) == -errno.EPERM
    assert verdict(_NODE, syscalls.EXECVE, _PATH ^ (1 << 40)) == -errno.EPERM
    for program in (_PYTHON, _LANDLOCK):
        assert verdict(program, syscalls.EXECVE, _PATH) == -errno.EPERM
        assert verdict(program, syscalls.EXECVE, 0) == -errno.EPERM


def test_sockets_are_only_connected_pairs() -> None:
    for program in _EVERY:
        assert verdict(program, syscalls.SOCKET, 2, 1) == -errno.EACCES
        assert verdict(program, syscalls.SOCKETPAIR, 1, 1 | 0x80000) == ALLOW
        assert verdict(program, syscalls.SOCKETPAIR, 1, 2) == -errno.EACCES
        assert verdict(program, syscalls.SOCKETPAIR, 1, 5) == -errno.EACCES
        assert verdict(program, syscalls.SOCKETPAIR, 2, 1) == -errno.EACCES
        assert verdict(program, syscalls.SENDTO, 3, 9, 9, 0, 0) == ALLOW
        assert verdict(program, syscalls.SENDTO, 3, 9, 9, 0, 1 << 33) == -errno.EPERM


def test_limits_can_be_read_but_not_set() -> None:
    for program in _EVERY:
        assert verdict(program, syscalls.PRLIMIT64, 0, 7, 0, _PATH) == ALLOW
        assert verdict(program, syscalls.PRLIMIT64, 0, 7, 1 << 32, 0) == -errno.EPERM


@pytest.mark.parametrize(
    ("number", "argument", "harmless", "harmful"),
    [
        (syscalls.IOCTL, 1, 0x5401, 0x5412),
        (syscalls.IOCTL, 1, 0x5421, 0x541C),
        (syscalls.PRCTL, 0, 15, 22),
        (syscalls.FCNTL, 1, 1030, 10),
        (syscalls.FCNTL, 1, 4, 8),
        (syscalls.FCNTL, 1, 1032, 1031),
        (syscalls.MMAP, 3, 0x22, 0x21),
        (syscalls.MMAP, 3, 0x01, 0x8021),
    ],
)
def test_some_calls_are_decided_by_an_argument(
    number: int, argument: int, harmless: int, harmful: int
) -> None:
    for program in _EVERY:
        arguments = [0] * 6
        arguments[argument] = harmless
        assert verdict(program, number, *arguments) == ALLOW
        arguments[argument] = harmful
        assert verdict(program, number, *arguments) in (-errno.EPERM, -errno.ENOMEM)


def test_landlock_alone_allows_less() -> None:
    for number in (*syscalls.ATTRIBUTES.values(), syscalls.TGKILL):
        assert verdict(_PYTHON, number) == ALLOW
        assert verdict(_LANDLOCK, number) == -errno.EPERM


def test_a_filter_fits_into_the_kernel() -> None:
    assert all(len(program) % 8 == 0 and len(program) // 8 <= 4096 for program in _EVERY)
