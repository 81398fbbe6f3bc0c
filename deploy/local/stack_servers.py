"""The embedded servers of one state folder, and whom each gives way to."""

from collections.abc import Mapping
from dataclasses import dataclass

from deploy.local.embedded_server import EmbeddedServer
from deploy.local.layout import Layout
from deploy.local.nats_server import NatsServer
from deploy.local.postgres_account import choose_account
from deploy.local.postgres_server import PostgresServer
from deploy.local.redis_server import RedisServer
from deploy.local.stack_secrets import ServerPasswords


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPlace:
    """A server we need: the operator's at `external`, or `embedded`; exactly one is set."""

    external: str | None
    embedded: EmbeddedServer | None

    @property
    def url(self) -> str:
        if self.embedded is not None:
            return self.embedded.url
        assert self.external is not None
        return self.external


@dataclass(frozen=True, slots=True, kw_only=True)
class StackServers:
    """Every server of the stack, in starting order."""

    postgres: ServerPlace
    nats: ServerPlace
    redis: ServerPlace

    def embedded(self) -> list[EmbeddedServer]:
        places = (self.postgres, self.nats, self.redis)
        return [place.embedded for place in places if place.embedded is not None]


def choose_servers(
    layout: Layout,
    environ: Mapping[str, str],
    ports: Mapping[str, int],
    passwords: ServerPasswords,
) -> StackServers:
    """`HEDDLE_DATABASE_URL`, `HEDDLE_NATS_URL` and `HEDDLE_REDIS_URL` each replace ours."""
    database, nats, redis = (
        environ.get(f"HEDDLE_{kind}_URL") or None for kind in ("DATABASE", "NATS", "REDIS")
    )
    return StackServers(
        postgres=ServerPlace(
            external=database,
            embedded=None if database else _postgres(layout, ports, passwords),
        ),
        nats=ServerPlace(
            external=nats,
            embedded=None
            if nats
            else NatsServer(
                folder=layout.nats,
                port=ports["nats"],
                monitor_port=ports["nats_monitor"],
                password=passwords.nats,
                log=layout.log("nats"),
            ),
        ),
        redis=ServerPlace(
            external=redis,
            embedded=None
            if redis
            else RedisServer(
                folder=layout.redis,
                port=ports["redis"],
                password=passwords.redis,
                log=layout.log("redis"),
            ),
        ),
    )


def _postgres(
    layout: Layout, ports: Mapping[str, int], passwords: ServerPasswords
) -> PostgresServer:
    return PostgresServer(
        account=choose_account(layout.postgres),
        port=ports["postgres"],
        password=passwords.postgres,
        log=layout.log("postgres"),
    )
