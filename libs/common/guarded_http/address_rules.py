"""Which network addresses are private."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_FORBIDDEN_V4 = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, cloud metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_PUBLIC_V6 = ip_network("2000::/3")
_FORBIDDEN_V6 = tuple(
    ip_network(network)
    for network in (
        "2001::/23",  # Teredo and other special assignments
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: carries any IPv4 address
        "3fff::/20",  # documentation
    )
)


def is_public(address: str) -> bool:
    """Whether `address` (canonical text, no zone) is one that anybody on the internet may reach.

    Raises ValueError for what is no address.
    """
    found = ip_address(address)
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if isinstance(found, IPv4Address):
        return not any(found in network for network in _FORBIDDEN_V4)
    # Everything outside of global unicast is local, translated, multicast or not assigned.
    return found in _PUBLIC_V6 and not any(found in network for network in _FORBIDDEN_V6)
