"""The embedded Postgres as root, after a kill, and beside a stale pid file."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy.local.loopback import free_port
from deploy.local.postgres_account import PostgresAccount, choose_account, unprivileged_account
from deploy.local.postgres_server import PostgresServer
from deploy.local.stack_error import LocalStackError
from tests.support.databases import run_outside
from tests.support.running_server import running, start_ready


def server_on(account: PostgresAccount, log: Path) -> PostgresServer:
    return PostgresServer(account=account, port=free_port(), password="test", log=log)


@pytest.fixture
def server(tmp_path: Path) -> PostgresServer:
    # Closed to everybody else, as .heddle is.
    tmp_path.chmod(0o700)
    return server_on(choose_account(tmp_path / "data"), tmp_path / "postgres.log")


def execute(server: PostgresServer, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(server.url, timeout=5)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    run_outside(run())


def test_committed_rows_survive_a_kill(server: PostgresServer) -> None:
    server.prepare()
    child = start_ready(server)
    execute(server, "create table thing as select 1 as one")
    child.kill()
    child.stop()
    with running(server):
        execute(server, "select one from thing")


def test_a_pid_file_that_names_a_stranger_is_no_obstacle(server: PostgresServer) -> None:
    server.prepare()
    # As after a power cut, when our own pid was Postgres' before.
    (server.account.data / "postmaster.pid").write_text(f"{os.getpid()}\n{server.account.data}\n")
    with running(server):
        execute(server, "select 1")


def test_data_of_another_version_is_refused(server: PostgresServer) -> None:
    server.prepare()
    (server.account.data / "PG_VERSION").write_text("16\n")
    with pytest.raises(LocalStackError, match="written by Postgres 16"):
        server.prepare()


def test_an_interrupted_first_start_is_started_over(server: PostgresServer) -> None:
    partial = server.account.data.with_name("data.partial")
    partial.mkdir()
    (partial / "PG_VERSION").write_text("18\n")
    with running(server):
        execute(server, "select 1")


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that other users can enter."""
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.skipif(
    not all(folder.stat().st_mode & 0o001 for folder in Path(__file__).parents),
    reason="other users cannot reach this checkout",
)
def test_without_namespaces_an_unprivileged_user_runs_it(reachable: Path) -> None:
    server = server_on(unprivileged_account(reachable / "own" / "data"), reachable / "log")
    assert server.account.user not in {None, 0}
    with running(server):
        execute(server, "select 1")
    assert server.account.data.stat().st_uid == server.account.user
