"""Identifiers: UUIDv7 (RFC 9562, section 5.7), made in Python, and ids derived from them."""

import hashlib
import os
import time
from threading import Lock
from uuid import UUID

_EXECUTION_NAMESPACE = UUID("6f7b2f0e-51a5-4c64-9d0e-0f6f3f2f9c51")
_RANDOM_BITS = 74

_lock = Lock()
_last: tuple[int, int] = (0, 0)


def uuid7() -> UUID:
    """A time-ordered id: 48 bits of Unix milliseconds, then 74 random bits.

    Within one process ids never go back, even inside one millisecond: there the random part of
    the previous id is raised by a random step (method 2 of RFC 9562, section 6.2).
    """
    global _last  # noqa: PLW0603 - the order of ids within a process is the purpose
    with _lock:
        millis = time.time_ns() // 1_000_000
        entropy = int.from_bytes(os.urandom(10), "big") >> 6
        last_millis, last_entropy = _last
        if millis <= last_millis:
            millis = last_millis
            entropy = last_entropy + 1 + (entropy & 0xFFFF_FFFF)
            if entropy >> _RANDOM_BITS:
                millis, entropy = millis + 1, entropy & ((1 << 32) - 1)
        _last = (millis, entropy)
    return _compose(millis, entropy)


def uuid7_of(origin: UUID, name: str) -> UUID:
    """The UUIDv7 of the same millisecond as `origin` that `name` stands for."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    return _compose(uuid7_millis(origin), int.from_bytes(digest[:10], "big") >> 6)


def uuid7_millis(value: UUID) -> int:
    """The Unix time in milliseconds that a UUIDv7 carries."""
    return value.int >> 80


def node_execution_id(run_id: UUID, node_id: str, frame_path: str, attempt: int) -> UUID:
    """The public id of one execution of a node; retries of one execution share attempt 0."""
    return UUID(NodeExecutionIds(run_id).of(node_id, frame_path, attempt))


class NodeExecutionIds:
    """Every `node_execution_id` of one run, as text: for whoever needs thousands of them."""

    __slots__ = ("_run",)

    def __init__(self, run_id: UUID) -> None:
        seed = _EXECUTION_NAMESPACE.bytes + f"{run_id}/".encode()
        self._run = hashlib.sha1(seed, usedforsecurity=False)

    def of(self, node_id: str, frame_path: str, attempt: int) -> str:
        """A UUIDv5 (RFC 9562, section 5.5)."""
        name = self._run.copy()
        name.update(f"{node_id}/{frame_path}/{attempt}".encode())
        text = name.hexdigest()
        variant = "89ab"[int(text[16], 16) & 3]
        return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"


def _compose(millis: int, entropy: int) -> UUID:
    high = entropy >> 62
    low = entropy & ((1 << 62) - 1)
    return UUID(int=(millis << 80) | (0x7 << 76) | (high << 64) | (0b10 << 62) | low)
