"""Name resolution that hands out checked addresses only, which are then connected to."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence

from aiohttp.abc import AbstractResolver, ResolveResult

from libs.common.guarded_http.egress_rules import EgressRules, Endpoint

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Every address of a host. Raises OSError when there is none."""


async def system_resolve(host: str, port: int) -> Sequence[str]:
    """What the machine's resolver says."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class CheckedResolver(AbstractResolver):
    """One forbidden address refuses the whole name. `rules` None: an admin's own target, where
    every address will do."""

    def __init__(self, resolve: Resolve, rules: EgressRules | None, overrides: EgressRules) -> None:
        self._resolve = resolve
        self._rules = rules
        self._overrides = overrides.overrides

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        override = self._overrides.get(Endpoint(host.lower(), port)) or self._overrides.get(
            Endpoint("*", port)
        )
        if override is not None:
            return [_result(host, override.host, override.port)]
        addresses = await self._resolve(host, port)
        if self._rules is not None:
            for address in addresses:
                self._rules.check_address(address, host, port)
        return [_result(host, address, port) for address in addresses]

    async def close(self) -> None:
        """Nothing is held."""


def _result(host: str, address: str, port: int) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=socket.AF_INET6 if ":" in address else socket.AF_INET,
        proto=0,
        flags=socket.AI_NUMERICHOST,
    )
