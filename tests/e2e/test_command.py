"""The `heddle` command against a running platform."""

import json
from pathlib import Path

import pytest
import yaml

from tests.e2e.command import Terminal
from tests.e2e.documents import demo_chat, greeting
from tests.e2e.world import World

pytestmark = pytest.mark.xdist_group("e2e")


@pytest.fixture
def terminal(world: World, tmp_path: Path) -> Terminal:
    return Terminal.on(world, tmp_path)


def test_import_run_and_show(terminal: Terminal) -> None:
    file = terminal.folder / "greeting.yml"
    file.write_text(yaml.safe_dump(greeting()))
    imported = terminal.heddle("import", str(file), "--publish", "--json")
    assert imported.returncode == 0, imported.stderr
    app = json.loads(imported.stdout)
    assert app["mode"] == "workflow"
    assert app["api_key"].startswith("app-")
    ran = terminal.heddle("run", app["app_id"], "--inputs", '{"name": "Ada"}', "--json")
    assert ran.returncode == 0, ran.stderr
    outcome = json.loads(ran.stdout)
    assert outcome["status"] == "succeeded"
    assert outcome["outputs"] == {"text": "Hello, Ada!"}
    shown = terminal.heddle("runs", "show", outcome["run_id"], "--json")
    assert shown.returncode == 0, shown.stderr
    told = json.loads(shown.stdout)
    assert told["run"]["status"] == "succeeded"
    assert [node["node_id"] for node in told["nodes"]] == ["start", "greet", "end"]
    assert "succeeded" in terminal.heddle("runs", "show", outcome["run_id"]).stdout


def test_run_a_chat_from_its_file(terminal: Terminal) -> None:
    file = terminal.folder / "chat.yml"
    file.write_text(yaml.safe_dump(demo_chat()))
    ran = terminal.heddle("run", str(file), "--query", "Hello there.")
    assert ran.returncode == 0, ran.stderr
    assert "You wrote: Hello there. (2 words)" in ran.stdout


def test_a_failed_run_fails_the_command(terminal: Terminal) -> None:
    file = terminal.folder / "greeting.yml"
    file.write_text(yaml.safe_dump(greeting()))
    ran = terminal.heddle("run", str(file), "--inputs", "{}")
    assert ran.returncode == 1
    assert "name" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_set_a_provider(world: World, terminal: Terminal) -> None:
    done = terminal.heddle(
        "provider", "set", "openai", "--api-key", "sk-x", "--base-url", world.upstream.url
    )
    assert done.returncode == 0, done.stderr
    shown = world.http.get("/api/providers/openai", headers=world.admin).json()
    assert shown["base_url"] == world.upstream.url
    assert "sk-x" not in json.dumps(shown)
