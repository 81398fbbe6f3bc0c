"""Every application in `examples/` imports, publishes and runs."""

from typing import Any

import pytest
import yaml

from deploy.local.layout import CHECKOUT
from tests.e2e.world import World

pytestmark = pytest.mark.xdist_group("e2e")

EXAMPLES = CHECKOUT / "examples"
TICKET = (EXAMPLES / "support_triage" / "ticket.txt").read_text(encoding="utf-8")
INPUTS: dict[str, dict[str, Any]] = {
    "small/chat.yml": {},
    "small/echo.yml": {"text": "hello"},
    "small/greeting.yml": {"name": "Ada"},
    "small/intake.yml": {"letter": "Good morning.", "attachments": []},
    "small/reading.yml": {},
    "support_triage/app.yml": {"ticket": TICKET},
}
"""A new example needs a line here."""
FILES = {"small/reading.yml": {"paper": b"Weave on Monday."}}

FOUND = sorted(str(path.relative_to(EXAMPLES)) for path in EXAMPLES.rglob("*.yml"))


@pytest.mark.parametrize("name", FOUND)
def test_an_example_runs(world: World, name: str) -> None:
    app = world.import_app(yaml.safe_load((EXAMPLES / name).read_bytes()))
    assert app.report["errors"] == []
    assert app.version_id is not None
    if app.mode == "workflow":
        files = {
            given: {"transfer_method": "local_file", "upload_file_id": world.uploaded(app, content)}
            for given, content in FILES.get(name, {}).items()
        }
        outcome = world.outcome(app, {**INPUTS[name], **files})
        assert outcome["status"] == "succeeded", outcome
        assert outcome["outputs"]
    else:
        answer = world.chat(app, "Please look at this.", inputs=INPUTS[name])
        assert answer.status_code == 200, answer.text
        assert answer.json()["answer"]
