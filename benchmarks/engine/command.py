"""`python -m benchmarks engine`: the engine beside its floors and its peers, in one run."""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.cores import SERVERS, pin
from benchmarks.engine.engine_rig import RigUrls
from benchmarks.engine.peer_rows import PEERS, measured_peers
from benchmarks.engine.rows import ROWS, Pace
from benchmarks.measured_row import MeasuredRow
from benchmarks.report import failure, print_rows
from benchmarks.servers import Servers, running_servers
from deploy.local.layout import CHECKOUT

_FULL = Pace(rounds=5, runs=20)
_SMOKE = Pace(rounds=3, runs=8)
# A shared machine with few cores moves even ratios, those of the batch most; the smoke run is to
# notice a broken engine, not a busy neighbour.
_SMOKE_TOLERANCE = 1.5
# calls10 does not meet its bound of 1.5 x yet (1.8 to 2.2 x on a quiet machine), on which the whole
# benchmark fails; here 3 x is the ceiling that it must not cross on the way down.
# compile500 does not meet its bound of 35.7 x either (50 to 56 x): two thirds of it are YAML.
_SMOKE_TOLERANCES = {"batch": 3.0, "batch_cpu": 2.0, "calls10": 2.0, "compile500": 2.0}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    parser.add_argument(
        "--smoke",
        action="store_true",
        help=f"short, without peers; fails beyond {_SMOKE_TOLERANCE} x a bound",
    )
    parser.add_argument("--rows", default=",".join(ROWS), help="which of " + ", ".join(ROWS))
    parser.add_argument("--peers", default=",".join(PEERS), help="which of these, or `none`")


def run(options: argparse.Namespace) -> int:
    """0 when every bound holds (within the tolerance of a smoke run)."""
    rows = _chosen(options.rows, ROWS)
    smoke: bool = options.smoke
    peers = [] if smoke or options.peers == "none" else _chosen(options.peers, PEERS)
    pin(SERVERS)
    with (
        tempfile.TemporaryDirectory(prefix="heddle-bench-") as folder,
        running_servers(Path(folder)) as servers,
    ):
        measured = _engine_rows(servers, rows, _SMOKE if smoke else _FULL)
        found = measured_peers(servers, peers, rows)
    with_peers = [replace(row, peers=found.get(row.row, {})) for row in measured]
    print_rows(with_peers, as_json=options.json)
    broken = [line for row in with_peers if (line := failure(row, _tolerance(row, smoke=smoke)))]
    for line in broken:
        print(line, file=sys.stderr)
    return 1 if broken else 0


def _tolerance(row: MeasuredRow, *, smoke: bool) -> float:
    return _SMOKE_TOLERANCES.get(row.row, _SMOKE_TOLERANCE) if smoke else 1.0


def _chosen(text: str, known: Collection[str]) -> list[str]:
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in known:
            raise SystemExit(f"{name!r} is none of {', '.join(known)}")
    return names


def _engine_rows(servers: Servers, rows: Sequence[str], pace: Pace) -> list[MeasuredRow]:
    urls = RigUrls(
        database=servers.database.url,
        sweeper=servers.database.sweeper_url,
        nats=servers.nats_url,
        redis=servers.redis_url,
        objects=servers.object_store_url,
    )
    floor_url = servers.admin_url
    reader = (urls.nats, urls.objects)
    callee = (urls.nats, urls.objects, urls.database, urls.sweeper, floor_url)
    with _helper("reader_process", *reader), _helper("callee_process", *callee):
        arguments = (json.dumps(asdict(urls)), floor_url, ",".join(rows))
        output = subprocess.run(
            _module("engine_process", *arguments, str(pace.rounds), str(pace.runs)),
            cwd=CHECKOUT,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
    return [MeasuredRow(**json.loads(line)) for line in output.splitlines()]


@contextmanager
def _helper(module: str, *arguments: str) -> Generator[None]:
    """A process beside the engine, from its `ready` until the end of the block."""
    with subprocess.Popen(
        _module(module, *arguments), cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            if process.stdout.readline().strip() != "ready":
                raise RuntimeError(f"{module} did not start")
            yield
        finally:
            process.terminate()


def _module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"benchmarks.engine.{name}", *arguments]
