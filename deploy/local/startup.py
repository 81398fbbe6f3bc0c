"""From an empty folder to a running stack, step by step."""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from deploy.local.child_process import ProcessSpec
from deploy.local.database_roles import DatabaseUrls
from deploy.local.disk_space import require_space
from deploy.local.external_servers import require_servers
from deploy.local.layout import CHECKOUT, Layout
from deploy.local.leftovers import stop_leftovers
from deploy.local.port_claims import PortClaims
from deploy.local.ports import SERVICES, choose_ports, load_ports, save_ports
from deploy.local.stack_database import prepare_database
from deploy.local.stack_environment import StackUrls, migration_environment, service_environment
from deploy.local.stack_secrets import (
    ServerPasswords,
    load_master_key,
    load_passwords,
    require_master_key,
)
from deploy.local.stack_servers import StackServers, choose_servers
from deploy.local.stack_status import Phase, load_status
from deploy.local.supervisor import Supervisor

_SERVER_SECONDS = 60.0
_MIGRATE_SECONDS = 300.0
_SERVICE_STOP_SECONDS = 20.0
_SERVICE_RANK = 2


def _service_commands() -> dict[str, tuple[str, ...]]:
    return {name: (sys.executable, "-m", f"services.{name}.main") for name in SERVICES}


@dataclass(frozen=True, slots=True, kw_only=True)
class StackPrograms:
    """What runs beside the servers: the migration step, then a command a service."""

    migrate: tuple[str, ...] = (sys.executable, "-m", "libs.common.database.migrate")
    services: Mapping[str, tuple[str, ...]] = field(default_factory=_service_commands)


def bring_up(
    supervisor: Supervisor,
    layout: Layout,
    environ: Mapping[str, str],
    programs: StackPrograms,
    claims: PortClaims,
) -> None:
    """Start everything and return when the services have been started, ready or not.

    `claims` holds the chosen ports while it is open.

    Raises LocalStackError, StopRequested.
    """
    # Before the first word of ours replaces the record of them.
    if names := stop_leftovers(load_status(layout.status)):
        supervisor.note(f"stopped what a killed supervisor left behind: {', '.join(names)}")
    supervisor.announce(Phase.STARTING, "Preparing the folders")
    require_space(layout.root)
    require_master_key(environ)
    asyncio.run(require_servers(environ))
    ports = choose_ports(load_ports(layout.ports), environ, free=claims.free)
    claims.keep_only(ports.values())
    save_ports(layout.ports, ports)
    passwords = load_passwords(layout.server_passwords)
    servers = choose_servers(layout, environ, ports, passwords)
    _start_servers(supervisor, servers)
    database = _prepare_database(supervisor, servers, environ, passwords)
    environment = _environment(layout, environ, servers, database, ports)
    supervisor.announce(Phase.STARTING, "Migrating the database")
    migration = migration_environment(environment, database)
    supervisor.run_step(_process(layout, "migrate", programs.migrate, migration), _MIGRATE_SECONDS)
    supervisor.announce(Phase.STARTING, "Starting the services")
    for service, command in programs.services.items():
        supervisor.keep(_process(layout, service, command, environment))
    supervisor.announce(Phase.RUNNING)


def _start_servers(supervisor: Supervisor, servers: StackServers) -> None:
    for server in servers.embedded():
        server.prepare()
        process = server.process()
        supervisor.announce(Phase.STARTING, f"Starting {process.name}")
        supervisor.keep_ready(process, server.is_ready, _SERVER_SECONDS)


def _prepare_database(
    supervisor: Supervisor,
    servers: StackServers,
    environ: Mapping[str, str],
    passwords: ServerPasswords,
) -> DatabaseUrls:
    supervisor.announce(Phase.STARTING, "Preparing the database")
    return asyncio.run(prepare_database(servers.postgres, environ, passwords.roles()))


def _environment(
    layout: Layout,
    environ: Mapping[str, str],
    servers: StackServers,
    database: DatabaseUrls,
    ports: Mapping[str, int],
) -> dict[str, str]:
    urls = StackUrls(
        database=database,
        redis=servers.redis.url,
        nats=servers.nats.url,
        object_store=environ.get("HEDDLE_OBJECT_STORE_URL") or layout.objects.as_uri(),
    )
    key = environ.get("HEDDLE_MASTER_KEY") or load_master_key(layout.master_key)
    return service_environment(environ, layout, urls, ports, key)


def _process(
    layout: Layout, name: str, command: tuple[str, ...], environment: Mapping[str, str]
) -> ProcessSpec:
    return ProcessSpec(
        name=name,
        command=command,
        environment=environment,
        folder=CHECKOUT,
        log=layout.log(name),
        stop_seconds=_SERVICE_STOP_SECONDS,
        rank=_SERVICE_RANK,
    )
