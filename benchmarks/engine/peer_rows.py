"""The peers, measured in a venv of their own on the same servers and cores."""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from typing import TypedDict

import asyncpg
import uvloop

from benchmarks.cores import ENGINE
from benchmarks.servers import Servers
from deploy.local.layout import CHECKOUT

PEERS = ("graphon", "langgraph", "langgraph_postgres", "dbos")
_REPEATS = 3
_ROWS = ("chain10", "chain500", "fan50", "batch")
_PYTHON = CHECKOUT / ".venv-bench" / "bin" / "python"
_SCRIPT = CHECKOUT / "benchmarks" / "engine" / "peers" / "measure.py"
_PEER_SECONDS = 600.0


class _Measured(TypedDict):
    row: str
    ms: float
    cpu: float


def measured_peers(
    servers: Servers, peers: Sequence[str], rows: Sequence[str]
) -> dict[str, dict[str, float]]:
    """By row, then by peer. A peer that fails is said on stderr and left out."""
    wanted = [row for row in rows if row in _ROWS]
    found: defaultdict[str, dict[str, float]] = defaultdict(dict)
    if not wanted:
        return found
    if peers and not _PYTHON.exists():
        raise SystemExit("no .venv-bench: `make bench` makes it, `--peers none` does without")
    for peer in peers:
        for measured in _measured(servers, peer, wanted):
            found[measured["row"]][peer] = measured["ms"]
            if measured["row"] == "batch":
                found["batch_cpu"][peer] = measured["cpu"]
    return found


def _measured(servers: Servers, peer: str, rows: Sequence[str]) -> list[_Measured]:
    uvloop.run(_make_database(servers.admin_url, f"peer_{peer}"))
    url = f"{servers.admin_url.rpartition('/')[0]}/peer_{peer}"
    command = [str(_PYTHON), str(_SCRIPT), peer, url, ",".join(rows), str(_REPEATS), str(ENGINE)]
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=_PEER_SECONDS
        )
    except subprocess.TimeoutExpired:
        print(f"{peer} took more than {_PEER_SECONDS:g} s", file=sys.stderr)
        return []
    if done.returncode != 0:
        print(f"{peer} failed:\n{done.stderr[-2000:]}", file=sys.stderr)
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"peer"')]
    return [json.loads(line) for line in lines]


async def _make_database(admin_url: str, name: str) -> None:
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
