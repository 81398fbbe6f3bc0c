"""Operators' servers that are there, and others."""

import socket

import pytest

from deploy.local.external_servers import require_nats
from deploy.local.loopback import LOOPBACK, free_port
from deploy.local.stack_error import LocalStackError


def test_one_server_that_answers_is_enough() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port: int = server.getsockname()[1]
        require_nats(f"nats://user:secret@{LOOPBACK}:{port}")
        require_nats(f"{LOOPBACK}:{port}")
        require_nats(f"nats://{LOOPBACK}:{free_port()},nats://{LOOPBACK}:{port}")


@pytest.mark.parametrize("place", [f"{LOOPBACK}:1", "host:none"])
def test_a_server_that_does_not_answer_is_told_without_its_password(place: str) -> None:
    with pytest.raises(LocalStackError, match="HEDDLE_NATS_URL") as refused:
        require_nats(f"nats://user:secret@{place}")
    assert "secret" not in refused.value.message
    assert "nats://user:password@host:port" in refused.value.message
