"""The switch that keeps tests on this machine."""

import asyncio
import socket

import pytest

from tests.support.closed_network import NetworkIsClosed


def test_other_machines_are_out_of_reach() -> None:
    with socket.socket() as connection, pytest.raises(NetworkIsClosed):
        connection.connect(("192.0.2.1", 80))
    with pytest.raises(NetworkIsClosed):
        socket.getaddrinfo("example.org", 80)


async def test_asyncio_is_closed_too() -> None:
    with pytest.raises(NetworkIsClosed):
        await asyncio.open_connection("2001:db8::1", 80)


def test_this_machine_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5).close()
