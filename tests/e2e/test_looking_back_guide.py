"""docs/guides/looking_back.md does what it says: its blocks run as they stand."""

from pathlib import Path

import pytest

from deploy.local.layout import CHECKOUT
from tests.e2e.command import Terminal
from tests.e2e.readme_blocks import Block, blocks_of
from tests.e2e.world import World

pytestmark = pytest.mark.xdist_group("e2e")

BLOCKS = blocks_of(CHECKOUT / "docs" / "guides" / "looking_back.md")
TOLD = (
    ("Executes by effect: 3 pure", '/outputs/greeting: "Hello, Ada!" > "Hello, Grace!"'),
    ("{'pure': ['start', 'greet', 'end']} []", "['start', 'greet', 'end']"),
    ('"output": "Good day, Ada."',),
)
"""What each block shows in the end."""


@pytest.mark.parametrize(
    ("block", "told"), [*zip(BLOCKS, TOLD, strict=True)], ids=[block.name for block in BLOCKS]
)
def test_a_block_runs_as_it_stands(
    block: Block, told: tuple[str, ...], world: World, tmp_path: Path
) -> None:
    terminal = Terminal.on(world, tmp_path)
    run = terminal.python if block.language == "python" else terminal.shell
    done = run(block.text)
    assert done.returncode == 0, f"{block.text}\n{done.stdout}{done.stderr}"
    for part in told:
        assert part in done.stdout, done.stdout
