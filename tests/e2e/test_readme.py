"""README.md does what it says: its commands and snippets run as they stand."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from deploy.local.layout import CHECKOUT
from tests.e2e.command import Terminal
from tests.e2e.documents import demo_chat
from tests.e2e.readme_blocks import Block, readme_blocks
from tests.e2e.world import World

pytestmark = pytest.mark.xdist_group("e2e")

BLOCKS = readme_blocks()
TARGETS = [block for block in BLOCKS if block.text.startswith("make ")]
RUNNABLE = [block for block in BLOCKS if block not in TARGETS]


@pytest.mark.parametrize("block", TARGETS, ids=lambda block: block.name)
def test_the_make_targets_exist(block: Block) -> None:
    makefile = (CHECKOUT / "Makefile").read_text()
    for target in re.findall(r"^make ([\w-]+)", block.text, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("block", RUNNABLE, ids=lambda block: block.name)
def test_a_block_runs_as_it_stands(block: Block, world: World, tmp_path: Path) -> None:
    terminal = Terminal.on(world, tmp_path)
    shutil.copy(CHECKOUT / "examples" / "small" / "greeting.yml", tmp_path / "my-app.yml")
    text = block.filled(
        url=world.url,
        app_key=_app_key(world, block),
        workspace_key=world.platform.workspace_key,
    )
    match block.language:
        case "console":
            done = terminal.shell(text)
        case "python":
            done = terminal.python(text)
        case other:
            pytest.fail(f"nothing here runs blocks of {other}")
    assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
    assert done.stdout.strip()
    if "curl" in text:
        assert '"event":"workflow_finished"' in done.stdout
        assert '"status":"succeeded"' in done.stdout


def _app_key(world: World, block: Block) -> str:
    """The key of an app that fits the block: a chat for Dify's chat client, else the greeting."""
    if "ChatClient" in block.text:
        return world.import_app(demo_chat()).key
    source = (CHECKOUT / "examples" / "small" / "greeting.yml").read_bytes()
    return world.import_app(yaml.safe_load(source)).key
