"""Operators' servers that fit, and others: told at once, in one line, without a password."""

import json
import socket
from pathlib import Path

import pytest

from deploy.local.external_servers import require_servers
from deploy.local.loopback import LOOPBACK, answers_ok, free_port
from deploy.local.nats_server import NatsServer
from deploy.local.stack_error import LocalStackError
from tests.support.databases import FreshDatabase, run_outside
from tests.support.running_server import running


def _problem(**environ: str) -> str:
    with pytest.raises(LocalStackError) as refused:
        run_outside(require_servers({f"HEDDLE_{kind}_URL": url for kind, url in environ.items()}))
    assert "secret" not in refused.value.message
    assert "\n" not in refused.value.message
    return refused.value.message


def test_servers_that_fit(postgres_url: str, nats_url: str, redis_url: str) -> None:
    fitting = {
        "HEDDLE_DATABASE_URL": postgres_url,
        "HEDDLE_NATS_URL": f"nats://{LOOPBACK}:{free_port()},{nats_url}",
        "HEDDLE_REDIS_URL": redis_url,
    }
    run_outside(require_servers(fitting))
    run_outside(require_servers({}))


def test_a_wrong_password(
    postgres_url: str, empty_database: FreshDatabase, nats_url: str, redis_url: str
) -> None:
    told = _problem(NATS=nats_url.replace(":test@", ":secret@"))
    assert told.startswith(f"HEDDLE_NATS_URL: {LOOPBACK}:")
    assert "Authorization Violation" in told
    told = _problem(REDIS=redis_url.replace(":test@", ":secret@"))
    assert told.startswith(f"HEDDLE_REDIS_URL: {LOOPBACK}:")
    assert "invalid username-password pair" in told
    told = _problem(REDIS=redis_url.replace(":test@", ""))
    assert "authenticated" in told
    told = _problem(DATABASE=postgres_url.replace(":test@", ":secret@"))
    assert told.startswith(f"HEDDLE_DATABASE_URL: {LOOPBACK}:")
    assert "password authentication failed" in told
    told = _problem(
        DATABASE=empty_database.url,
        DATABASE_OWNER=empty_database.owner_url,
        DATABASE_SWEEPER=empty_database.sweeper_url.replace(":sweeper@", ":secret@"),
    )
    assert told.startswith("HEDDLE_DATABASE_SWEEPER_URL: ")


_SCHEMES = {"DATABASE": "postgresql", "NATS": "nats", "REDIS": "redis"}


@pytest.mark.parametrize("kind", _SCHEMES)
@pytest.mark.parametrize("place", [f"{LOOPBACK}:1", "host:none"])
def test_a_place_where_nobody_is(kind: str, place: str) -> None:
    told = _problem(**{kind: f"{_SCHEMES[kind]}://user:secret@{place}/0"})
    assert told.startswith(f"HEDDLE_{kind}_URL")
    assert f"t reads {_SCHEMES[kind]}://user:password@host:port" in told


@pytest.mark.parametrize("kind", _SCHEMES)
def test_somebody_who_never_speaks(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.local.external_servers._SECONDS", 0.3)
    with socket.create_server((LOOPBACK, 0)) as silent:
        port: int = silent.getsockname()[1]
        told = _problem(**{kind: f"{_SCHEMES[kind]}://user:secret@{LOOPBACK}:{port}/0"})
    assert f"HEDDLE_{kind}_URL: {LOOPBACK}:{port} says: nothing within 0.3 s" in told


class PlainNats(NatsServer):
    """Without JetStream."""

    def prepare(self) -> None:
        NatsServer.prepare(self)
        configuration = self.folder / "nats.conf"
        settings = json.loads(configuration.read_text())
        del settings["jetstream"]
        configuration.write_text(json.dumps(settings))

    def is_ready(self) -> bool:
        return answers_ok(self.monitor_port, "/healthz")


def test_a_nats_without_jetstream(tmp_path: Path) -> None:
    server = PlainNats(
        folder=tmp_path / "nats",
        port=free_port(),
        monitor_port=free_port(),
        password="secret",
        log=tmp_path / "nats.log",
    )
    with running(server):
        assert "has no JetStream" in _problem(NATS=server.url)


def test_a_postgres_without_pgvector_or_too_old(
    postgres_url: str, empty_database: FreshDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.local.server_checks._VECTOR", "no_such_extension")
    assert "has no extension no_such_extension" in _problem(DATABASE=postgres_url)
    monkeypatch.setattr("deploy.local.server_checks._POSTGRES", 99)
    assert "Use PostgreSQL 99 or newer" in _problem(DATABASE=postgres_url)
    assert "Use PostgreSQL 99 or newer" in _problem(
        DATABASE=empty_database.url,
        DATABASE_OWNER=empty_database.owner_url,
        DATABASE_SWEEPER=empty_database.sweeper_url,
    )


def test_a_redis_too_old(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.local.server_checks._REDIS", (99, 2))
    assert "Use Redis 99.2 or newer" in _problem(REDIS=redis_url)
