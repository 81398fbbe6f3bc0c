"""Ports that a stack of this machine is about to listen on."""

import socket
from collections.abc import Collection
from types import TracebackType
from typing import Self

from deploy.local.loopback import claim_address, is_free


class PortClaims:
    """Keeps two stacks that start side by side off each other's ports.

    A service binds its port seconds after it was chosen; until then the port looks free to
    everybody. A claim is an abstract socket: it stands beside the port in the same network
    namespace, needs no rights, and the kernel lets go of it, whatever kills us.
    """

    def __init__(self) -> None:
        self._held: dict[int, socket.socket] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.keep_only(())

    def free(self, port: int) -> bool:
        """Whether a server of ours could listen on `port`; if so it is ours from now on."""
        return is_free(port) and (port in self._held or self._claim(port))

    def keep_only(self, ports: Collection[int]) -> None:
        """Let go of every claimed port but `ports`."""
        for port in self._held.keys() - set(ports):
            self._held.pop(port).close()

    def _claim(self, port: int) -> bool:
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(claim_address(port))
        except OSError:
            claim.close()
            return False
        self._held[port] = claim
        return True
