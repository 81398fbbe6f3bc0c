"""Who may be reached: public addresses, and what the operator allows."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

from yarl import URL

from libs.common.errors import InvalidInput
from libs.common.guarded_http.address_rules import is_public
from libs.common.guarded_http.egress_errors import EgressRefused

_NUMERIC = re.compile(r"^(0x[0-9a-f]*|[0-9]+)$", re.IGNORECASE)
_SCHEMES = ("http", "https")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host (name or address) and a port, as the allow-list and the overrides write them."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Endpoint":
        """From `host:port` or `[v6]:port`. Raises ValueError."""
        host, colon, port = text.rpartition(":")
        if not colon or not host or not port.isdigit():
            msg = f"{text!r} is not host:port"
            raise ValueError(msg)
        return cls(host.strip("[]").lower(), int(port))


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressRules:
    """`allowed` endpoints may have private addresses. `overrides` are resolved to a fixed address
    and port, which the operator answers for; the host `*` stands for every host."""

    allowed: frozenset[Endpoint] = frozenset()
    overrides: Mapping[Endpoint, Endpoint] = field(default_factory=dict[Endpoint, Endpoint])

    @classmethod
    def parse(cls, allow: Iterable[str], overrides: Iterable[str] = ()) -> "EgressRules":
        """From `host:port` entries and `host:port=address:port` entries. Raises ValueError."""
        pairs = (entry.partition("=") for entry in overrides)
        return cls(
            allowed=frozenset(Endpoint.parse(entry) for entry in allow),
            overrides={Endpoint.parse(name): Endpoint.parse(target) for name, _, target in pairs},
        )

    def check_url(self, url: URL) -> None:
        """Raise EgressRefused for a URL that must not be tried, whatever its name resolves to."""
        if url.scheme not in _SCHEMES:
            raise EgressRefused(f"only http and https may be called, not {url.scheme or 'this'!r}")
        if url.user is not None or url.password is not None:
            raise EgressRefused("user and password do not belong into a URL")
        host, port = url.raw_host, url.port
        if not host or port is None:
            raise InvalidInput("the URL names no host")
        if "%" in host:
            raise EgressRefused("an address with a zone may not be called")
        plain = host.rstrip(".")
        try:
            ip_address(plain)
        except ValueError:
            if _NUMERIC.match(plain.rpartition(".")[2]):
                raise EgressRefused(f"{host} is not a canonical address") from None
            return
        # The connector does not resolve literals, so nothing else would look at them.
        self.check_address(plain, host, port)

    def check_address(self, address: str, host: str, port: int) -> None:
        """Raise EgressRefused unless `address`, which `host` resolved to, may be connected to."""
        if "%" in address:
            raise EgressRefused("an address with a zone may not be called")
        if Endpoint(host.lower(), port) in self.allowed or Endpoint(address, port) in self.allowed:
            return
        if not is_public(address):
            raise EgressRefused(
                f"{host}:{port} is at a private address; HEDDLE_EGRESS_ALLOW can allow it",
                extra={"host": host, "port": port},
            )
