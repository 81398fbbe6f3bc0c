"""What a service holds, seen from outside: processes, descriptors, memory, files."""

from dataclasses import dataclass
from pathlib import Path

from tests.integration.plugin.sandbox.processes import descendants


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """`memory_bytes` is resident; `files` are those of its temporary folder."""

    processes: int
    descriptors: int
    memory_bytes: int
    files: frozenset[str]


def holdings(pid: int, temporary: Path) -> Holdings:
    """What process `pid` holds now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return Holdings(
        processes=len(descendants(pid)),
        descriptors=len(list(Path(f"/proc/{pid}/fd").iterdir())),
        memory_bytes=pages * 4096,
        files=frozenset(str(path) for path in temporary.rglob("*")),
    )
