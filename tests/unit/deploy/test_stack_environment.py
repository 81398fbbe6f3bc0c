"""What services are told, and what they are not."""

from pathlib import Path

from deploy.local.database_roles import RolePasswords, role_urls
from deploy.local.layout import Layout
from deploy.local.ports import SERVICES
from deploy.local.stack_environment import StackUrls, migration_environment, service_environment

PASSWORDS = RolePasswords(owner="o", app="a", sweeper="s")
DATABASE = role_urls("postgresql://admin:secret@db:5433/postgres?ssl=require", PASSWORDS, "heddle")


def environment(inherited: dict[str, str]) -> dict[str, str]:
    urls = StackUrls(database=DATABASE, redis="redis://r", nats="nats://n", object_store="file:///")
    ports = {name: 1000 + index for index, name in enumerate(SERVICES)}
    return service_environment(inherited, Layout(root=Path("/state")), urls, ports, "key")


def test_role_urls_keep_host_and_options_and_drop_the_administrator() -> None:
    assert DATABASE.app == "postgresql://heddle_app:a@db:5433/heddle?ssl=require"


def test_only_the_migration_step_may_change_the_schema() -> None:
    service = environment({"HEDDLE_DATABASE_OWNER_URL": "inherited"})
    assert "HEDDLE_DATABASE_OWNER_URL" not in service
    assert "admin" not in "".join(service.values())
    assert migration_environment(service, DATABASE)["HEDDLE_DATABASE_OWNER_URL"] == DATABASE.owner


def test_the_operators_own_variables_reach_the_services() -> None:
    told = environment({"HEDDLE_EGRESS_ALLOW": "10.0.0.1:80", "HEDDLE_REDIS_URL": "old"})
    assert told["HEDDLE_EGRESS_ALLOW"] == "10.0.0.1:80"
    assert told["HEDDLE_REDIS_URL"] == "redis://r"
    assert told["HEDDLE_ENGINE_PORT"] == "1003"
