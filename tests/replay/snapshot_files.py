"""Snapshots on disk: a line for every event of a golden history, a folder a fold version.

`python -m tests.replay.snapshot_files` records the ones that are missing under today's version; one
that exists is never written again, for it stands for runs out there.
"""

from collections.abc import Sequence
from pathlib import Path

from services.engine.domain.events import journal
from services.engine.domain.execution.public_events import PublicView
from services.engine.domain.execution.run_machine import RunMachine
from services.engine.domain.execution.run_snapshot import FOLD_VERSION, RunSnapshot
from services.engine.infra.snapshot_codec import encode_snapshot
from tests.replay import history_files
from tests.replay.scenarios import SCENARIOS
from tests.unit.engine.execution.simulated_world import RUN, TENANT

FOLDER = Path(__file__).parent / "snapshots" / f"version_{FOLD_VERSION}"


class Follower:
    """A machine and a view of one scenario, and what the view told."""

    def __init__(self, name: str) -> None:
        self.machine = RunMachine(SCENARIOS[name].compiled(), tenant_id=TENANT, run_id=RUN)
        self.view = PublicView(RUN, {})
        self.told: list[object] = []

    def fold(self, events: Sequence[journal.JournalEvent], first: int) -> None:
        for seq, event in enumerate(events, first):
            self.machine.fold(event)
            self.told.append(self.view.tell(seq, event))

    def encoded(self, seq: int) -> bytes:
        machine, view = self.machine.snapshot(), self.view.snapshot()
        encoded = encode_snapshot(RunSnapshot(seq=seq, machine=machine, view=view))
        assert encoded is not None
        return encoded


def read(name: str) -> list[bytes]:
    return (FOLDER / f"{name}.jsonl").read_bytes().splitlines()


def made_today(name: str) -> list[bytes]:
    follower = Follower(name)
    made: list[bytes] = []
    for seq, event in enumerate(history_files.read(name), 1):
        follower.fold([event], seq)
        made.append(follower.encoded(seq))
    return made


def record_missing() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in SCENARIOS:
        path = FOLDER / f"{name}.jsonl"
        if not path.exists():
            path.write_bytes(b"\n".join(made_today(name)) + b"\n")


if __name__ == "__main__":
    record_missing()
