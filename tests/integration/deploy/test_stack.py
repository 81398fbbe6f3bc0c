"""The supervisor with the real servers: starting, crashes, stopping, starting again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from typer.testing import CliRunner

from cli.main import app
from deploy.local.database_roles import RolePasswords, ensure_roles, role_urls
from deploy.local.launch import down, readiness, up
from deploy.local.layout import CHECKOUT, Layout
from deploy.local.leftovers import leftovers
from deploy.local.loopback import free_port
from deploy.local.ports import SERVICES, load_ports
from deploy.local.postgres_account import choose_account
from deploy.local.postgres_server import PostgresServer
from deploy.local.stack_error import LocalStackError
from deploy.local.stack_secrets import load_passwords
from deploy.local.stack_status import (
    Phase,
    ProcessStatus,
    StackStatus,
    load_status,
    save_status,
)
from deploy.local.supervisor_lock import supervisor_pid
from tests.support.databases import run_outside
from tests.support.eventually import eventually
from tests.support.running_server import running

MODULE = "tests.support.small_stack"


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Layout]:
    """An empty state folder with ports of its own; whatever runs in it is stopped at the end."""
    for service in SERVICES:
        monkeypatch.setenv(f"HEDDLE_{service.upper()}_PORT", str(free_port()))
    for name in ("DATABASE", "DATABASE_OWNER", "DATABASE_SWEEPER", "REDIS", "NATS"):
        monkeypatch.delenv(f"HEDDLE_{name}_URL", raising=False)
    monkeypatch.delenv("HEDDLE_MASTER_KEY", raising=False)
    layout = Layout(root=tmp_path / "state")
    yield layout
    down(layout, print)


def start(layout: Layout) -> list[str]:
    said: list[str] = []
    up(layout, said.append, module=MODULE)
    return said


def told(layout: Layout, name: str) -> ProcessStatus:
    status = load_status(layout.status)
    assert status is not None
    return next(process for process in status.processes if process.name == name)


def kill(layout: Layout, name: str) -> None:
    """SIGKILL a process and wait until another one has its place."""
    before = told(layout, name)
    assert before.pid is not None
    os.kill(before.pid, signal.SIGKILL)
    eventually(
        lambda: (
            told(layout, name).restarts > before.restarts and told(layout, name).pid is not None
        ),
        what=f"the restart of {name}",
    )


def execute(layout: Layout, statement: str) -> None:
    """Run a statement as heddle_owner in the stack's database."""

    async def run() -> None:
        password = load_passwords(layout.server_passwords).owner
        port = load_ports(layout.ports)["postgres"]
        url = f"postgresql://heddle_owner:{password}@127.0.0.1:{port}/heddle"
        connection = await asyncpg.connect(url, timeout=5)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    run_outside(run())


def accepts_statements(layout: Layout, statement: str) -> bool:
    try:
        execute(layout, statement)
    except (OSError, asyncpg.CannotConnectNowError):
        return False
    return True


def test_a_second_up_changes_nothing_and_down_leaves_nothing_running(layout: Layout) -> None:
    start(layout)
    first = supervisor_pid(layout)
    pids = {process.pid for process in status_processes(layout)}
    assert start(layout) == ["The supervisor is running already."]
    assert supervisor_pid(layout) == first
    assert down(layout, print)
    assert supervisor_pid(layout) is None
    assert not any(psutil.pid_exists(pid) for pid in pids if pid is not None)
    assert not down(layout, print)


def test_crashed_processes_come_back_with_their_data(layout: Layout) -> None:
    start(layout)
    execute(layout, "create schema kept; create table kept.thing ()")
    kill(layout, "engine")
    kill(layout, "redis")
    kill(layout, "nats")
    kill(layout, "postgres")
    eventually(
        lambda: accepts_statements(layout, "select 1 from kept.thing"), what="Postgres' return"
    )
    eventually(lambda: all(readiness(load_ports(layout.ports)).values()), what="readiness")


def test_what_a_killed_supervisor_leaves_is_stopped_before_the_next_start(layout: Layout) -> None:
    start(layout)
    execute(layout, "create schema kept")
    left = {process.name: process.pid for process in status_processes(layout)}
    pid = supervisor_pid(layout)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: supervisor_pid(layout) is None, what="the supervisor's end")
    ports = load_ports(layout.ports)
    # The survivors hold the demanded ports until the next supervisor stops them.
    start(layout)
    assert load_ports(layout.ports) == ports
    assert not {process.pid for process in status_processes(layout)} & set(left.values())
    execute(layout, "create table kept.thing ()")


def test_what_a_killed_supervisor_leaves_is_told_and_ended(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEDDLE_STATE_DIR", str(layout.root))
    start(layout)
    left = {process.name: process.pid for process in status_processes(layout)}
    pid = supervisor_pid(layout)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: supervisor_pid(layout) is None, what="the supervisor's end")
    told = CliRunner().invoke(app, ["status"])
    assert told.exit_code == 1
    assert "left running" in told.stdout
    assert all(f"{name} (pid {pid})" in told.stdout for name, pid in left.items())
    ended = CliRunner().invoke(app, ["down"])
    assert (ended.exit_code, "Heddle is down." in ended.stdout) == (0, True)
    assert leftovers(load_status(layout.status)) == {}
    assert "Heddle is not running." in CliRunner().invoke(app, ["status"]).stdout


def test_a_stranger_under_a_recorded_pid_is_left_alone(layout: Layout) -> None:
    layout.create()
    stranger = ProcessStatus(name="postgres", pid=os.getpid(), born=1.0)
    save_status(
        layout.status,
        StackStatus(supervisor=1, phase=Phase.RUNNING, processes=(stranger,)),
    )
    assert not down(layout, print)


def test_only_one_supervisor_has_a_folder(layout: Layout) -> None:
    start(layout)
    second = subprocess.run(
        [sys.executable, "-m", MODULE],
        cwd=CHECKOUT,
        env=os.environ | {"HEDDLE_STATE_DIR": str(layout.root)},
        timeout=20,
    )
    assert second.returncode == 0
    assert all(readiness(load_ports(layout.ports)).values())


def test_a_half_made_data_folder_is_refused_with_a_remedy(layout: Layout) -> None:
    layout.create()
    layout.postgres.mkdir()
    (layout.postgres / "PG_VERSION").write_text("18\n")
    with pytest.raises(LocalStackError, match=r"not a complete Postgres data folder.*Move it away"):
        start(layout)
    status = load_status(layout.status)
    assert status is not None
    assert status.phase is Phase.FAILED


def test_a_service_that_keeps_crashing_is_named_with_its_last_words(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMALL_SERVICE_CRASHES", "plugin")
    with pytest.raises(LocalStackError, match=r"plugin keeps crashing.*it was asked to"):
        start(layout)


def test_a_service_that_cannot_start_is_told_at_once_and_nothing_stays(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMALL_SERVICE_REFUSES", "backend")
    with pytest.raises(LocalStackError) as refused:
        start(layout)
    assert refused.value.message == "HEDDLE_THIS is wrong. Correct it."
    assert_nothing_runs(layout)


@pytest.mark.parametrize("kind", ["DATABASE", "NATS", "REDIS"])
def test_an_operators_server_that_does_not_fit_is_told_before_anything_starts(
    layout: Layout,
    postgres_url: str,
    nats_url: str,
    redis_url: str,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    urls = {"DATABASE": postgres_url, "NATS": nats_url, "REDIS": redis_url}
    monkeypatch.setenv(f"HEDDLE_{kind}_URL", urls[kind].replace(":test@", ":wrong@"))
    monkeypatch.setenv("HEDDLE_STATE_DIR", str(layout.root))
    began = time.monotonic()
    told = CliRunner().invoke(app, ["up"])
    assert time.monotonic() - began < 60
    assert told.exit_code == 1
    assert f"HEDDLE_{kind}_URL: 127.0.0.1:" in told.stderr
    assert told.output.count(f"HEDDLE_{kind}_URL") == 1
    assert "wrong" not in told.stderr
    assert_nothing_runs(layout)
    assert not (layout.postgres / "PG_VERSION").exists()


def test_a_master_key_that_is_none_is_told_before_anything_starts(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEDDLE_MASTER_KEY", "short")
    with pytest.raises(LocalStackError, match="HEDDLE_MASTER_KEY is not a key of 32 bytes"):
        start(layout)
    assert_nothing_runs(layout)
    assert not (layout.postgres / "PG_VERSION").exists()


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[str]:
    """A server that no other test signs in to: the stack makes roles on it."""
    server = PostgresServer(
        account=choose_account(tmp_path / "operator"),
        port=free_port(),
        password="operator",
        log=tmp_path / "operator.log",
        durable=False,
    )
    with running(server):
        yield server.url


def test_an_operators_servers_replace_ours(
    layout: Layout,
    own_postgres: str,
    redis_url: str,
    nats_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HEDDLE_DATABASE_URL", own_postgres)
    monkeypatch.setenv("HEDDLE_REDIS_URL", redis_url)
    monkeypatch.setenv("HEDDLE_NATS_URL", nats_url)
    start(layout)
    assert {process.name for process in status_processes(layout)} == set(SERVICES)
    assert not layout.postgres.exists()


def test_roles_that_an_operator_made_keep_their_passwords(
    layout: Layout, own_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = RolePasswords(owner="theirs", app="theirs", sweeper="theirs")
    run_outside(ensure_roles(own_postgres, theirs, reset_passwords=True))
    monkeypatch.setenv("HEDDLE_DATABASE_URL", own_postgres)
    with pytest.raises(LocalStackError, match="HEDDLE_DATABASE_OWNER_URL"):
        start(layout)
    urls = role_urls(own_postgres, theirs, "postgres")
    monkeypatch.setenv("HEDDLE_DATABASE_URL", urls.app)
    monkeypatch.setenv("HEDDLE_DATABASE_OWNER_URL", urls.owner)
    monkeypatch.setenv("HEDDLE_DATABASE_SWEEPER_URL", urls.sweeper)
    start(layout)


def status_processes(layout: Layout) -> tuple[ProcessStatus, ...]:
    status = load_status(layout.status)
    assert status is not None
    return status.processes


def assert_nothing_runs(layout: Layout) -> None:
    assert supervisor_pid(layout) is None
    assert leftovers(load_status(layout.status)) == {}
    assert not any(process.pid for process in status_processes(layout))
