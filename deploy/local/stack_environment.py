"""The environment that the services run in."""

from collections.abc import Mapping
from dataclasses import dataclass

from deploy.local.database_roles import DatabaseUrls
from deploy.local.layout import Layout
from deploy.local.loopback import LOOPBACK
from deploy.local.ports import SERVICES


@dataclass(frozen=True, slots=True, kw_only=True)
class StackUrls:
    """Where the services find their servers, embedded or the operator's own."""

    database: DatabaseUrls
    redis: str
    nats: str
    object_store: str


def service_environment(
    inherited: Mapping[str, str],
    layout: Layout,
    urls: StackUrls,
    ports: Mapping[str, int],
    master_key: str,
) -> dict[str, str]:
    """What every service gets. The owner's URL is not in it: only the migration step has that."""
    environment = dict(inherited) | {
        "HEDDLE_DATABASE_URL": urls.database.app,
        "HEDDLE_DATABASE_SWEEPER_URL": urls.database.sweeper,
        "HEDDLE_REDIS_URL": urls.redis,
        "HEDDLE_NATS_URL": urls.nats,
        "HEDDLE_OBJECT_STORE_URL": urls.object_store,
        "HEDDLE_MASTER_KEY": master_key,
        # A service that refuses its settings ends on why, not on a link.
        "PYDANTIC_ERRORS_INCLUDE_URL": "0",
        "HEDDLE_STATE_DIR": str(layout.root),
        "PYTHONUNBUFFERED": "1",
    }
    environment.pop("HEDDLE_DATABASE_OWNER_URL", None)
    for service in SERVICES:
        environment[f"HEDDLE_{service.upper()}_PORT"] = str(ports[service])
    environment.setdefault("HEDDLE_PLUGIN_BACKEND_URL", f"http://{LOOPBACK}:{ports['backend']}")
    return environment


def migration_environment(service: Mapping[str, str], urls: DatabaseUrls) -> dict[str, str]:
    """The services' environment with the right to change the schema."""
    return dict(service) | {"HEDDLE_DATABASE_OWNER_URL": urls.owner}
