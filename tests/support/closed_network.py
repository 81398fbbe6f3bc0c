"""Tests reach this machine and nothing else."""

import ipaddress
import socket
import sys

import pytest
from pydantic import TypeAdapter

_HOST_AND_REST: TypeAdapter[tuple[object, ...]] = TypeAdapter(tuple[object, ...])
_LOCAL_NAMES = frozenset({"localhost", "", "0.0.0.0", "::"})


class NetworkIsClosed(AssertionError):
    """A test tried to leave the machine."""


def pytest_configure(config: pytest.Config) -> None:
    """Close the network for this process; there is no way to open it again."""
    del config
    sys.addaudithook(_refuse_others)


def _refuse_others(event: str, arguments: tuple[object, ...]) -> None:
    if event not in {"socket.connect", "socket.sendto", "socket.getaddrinfo"}:
        return
    if event == "socket.getaddrinfo":
        _check(arguments[0])
        return
    opened, address = arguments[:2]
    is_internet = isinstance(opened, socket.socket) and opened.family in {
        socket.AF_INET,
        socket.AF_INET6,
    }
    if is_internet:
        _check(_HOST_AND_REST.validate_python(address)[0])


def _check(host: object) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name is None or name in _LOCAL_NAMES:
        return
    try:
        if ipaddress.ip_address(str(name)).is_loopback:
            return
    except ValueError:
        pass
    raise NetworkIsClosed(f"tests reach only this machine, not {name!r}")
