"""Executes a seccomp filter as the kernel would, for as much of classic BPF as filters use."""

import struct

ALLOW = 0x7FFF0000
KILL = 0x80000000
X86_64 = 0xC000003E


def verdict(program: bytes, number: int, *arguments: int, arch: int = X86_64) -> int:
    """What the filter answers to a system call: ALLOW, KILL, or the errno as a negative number."""
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("=iIQ6Q", _signed(number), arch, 0, *padded)
    instructions = list(struct.iter_unpack("=HBBI", program))
    accumulator = position = 0
    while True:
        code, if_true, if_false, value = instructions[position]
        position += 1
        match code:
            case 0x20:
                accumulator = struct.unpack_from("=I", data, value)[0]
            case 0x54:
                accumulator &= value
            case 0x15:
                position += if_true if accumulator == value else if_false
            case 0x35:
                position += if_true if accumulator >= value else if_false
            case 0x45:
                position += if_true if accumulator & value else if_false
            case 0x06:
                return -(value & 0xFFFF) if value & 0x7FFF0000 == 0x00050000 else value
            case _:
                raise AssertionError(f"unknown instruction {code:#x}")


def _signed(number: int) -> int:
    return number - (1 << 32) if number >= 1 << 31 else number
