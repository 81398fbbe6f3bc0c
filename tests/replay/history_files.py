"""Histories on disk: a journal event a line.

`python -m tests.replay.history_files` records the ones that are missing; one that exists is never
written again, for it stands for runs out there.
"""

from collections.abc import Sequence
from pathlib import Path

from services.engine.domain.events.journal import JournalEvent
from services.engine.infra.journal_codec import decode, encode
from tests.replay.scenarios import SCENARIOS

FOLDER = Path(__file__).parent / "histories"


def read(name: str) -> list[JournalEvent]:
    lines = (FOLDER / f"{name}.jsonl").read_bytes().splitlines()
    return [event for line in lines for event in decode(line)]


def write(name: str, events: Sequence[JournalEvent]) -> None:
    lines = [encode([event]) for event in events]
    (FOLDER / f"{name}.jsonl").write_bytes(b"\n".join(lines) + b"\n")


def record_missing() -> None:
    for name, scenario in SCENARIOS.items():
        if not (FOLDER / f"{name}.jsonl").exists():
            write(name, scenario.play().events)


if __name__ == "__main__":
    record_missing()
