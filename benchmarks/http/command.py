"""`python -m benchmarks http`: what a blocking run costs through the whole platform."""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import aiohttp
import asyncpg
import uvloop

from benchmarks.http.calls import DOCUMENT, Caller
from benchmarks.http.hops import Call, median_hops
from benchmarks.http.model_chain import NODES, measured_models, running_upstream
from benchmarks.http.process_times import cpu_seconds
from benchmarks.measured_row import MeasuredRow
from benchmarks.report import print_rows
from tests.support.platform import Platform, running_platform

# Acceptance in the backend, acceptance with the claim, the run's journal, its end in the backend.
_COMMITS = 4
_CLIENTS = 64
_WARM_UP = 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    parser.add_argument("--requests", type=int, default=300, help="of the one client")
    parser.add_argument(
        "--only", choices=("small", "models", "all"), default="all", help="which of the workflows"
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="of the 64 clients")


def run(options: argparse.Namespace) -> int:
    """Nothing is promised in multiples here, so it always succeeds."""
    with (
        tempfile.TemporaryDirectory(prefix="heddle-bench-") as folder,
        running_platform(
            Path(folder), settings={"HEDDLE_LOG_LEVEL": "WARNING"}, durable=True
        ) as platform,
        running_upstream() as upstream,
    ):
        rows = uvloop.run(
            _measured(platform, upstream, options.requests, options.seconds, options.only)
        )
    print_rows(rows, as_json=options.json)
    return 0


async def _measured(
    platform: Platform, upstream: str, requests: int, seconds: float, only: str
) -> list[MeasuredRow]:
    connector = aiohttp.TCPConnector(limit=_CLIENTS)
    rows: list[MeasuredRow] = []
    async with aiohttp.ClientSession(connector=connector) as session:
        if only != "models":
            rows += await _small_runs(session, platform, requests, seconds)
        if only != "small":
            runs = max(requests // NODES, 1)
            rows += await measured_models(session, platform, upstream, runs, seconds)
    return rows


async def _small_runs(
    session: aiohttp.ClientSession, platform: Platform, requests: int, seconds: float
) -> list[MeasuredRow]:
    caller = Caller(session, platform.url, DOCUMENT, {"name": "Ada"}, {"text": "Hello Ada!"})
    await caller.import_app(platform.admin_token)
    await caller.one_after_the_other(_WARM_UP)
    commit = await _commit(platform.environment["HEDDLE_DATABASE_URL"])
    alone = await caller.one_after_the_other(requests)
    await caller.side_by_side(_CLIENTS, seconds / 5)
    before, began = cpu_seconds(), time.monotonic()
    crowd = await caller.side_by_side(_CLIENTS, seconds)
    elapsed, after = time.monotonic() - began, cpu_seconds()
    hops = await median_hops(platform.environment, alone)
    return [
        MeasuredRow(
            benchmark="http",
            row="p50, 1 client",
            unit="ms",
            heddle=median(_milliseconds(call) for call in alone),
            floor=commit * _COMMITS,
            floor_is="its four commits",
        ),
        *(_row(f"hop: {hop}", "ms", value) for hop, value in hops.items()),
        _row(f"throughput, {_CLIENTS} clients", "runs/s", len(crowd) / elapsed),
        _row(f"p50, {_CLIENTS} clients", "ms", median(_milliseconds(call) for call in crowd)),
        *(
            _row(f"CPU: {name}", "ms/run", (used - before.get(name, 0.0)) / len(crowd) * 1e3)
            for name, used in sorted(after.items())
        ),
    ]


async def _commit(url: str) -> float:
    """Milliseconds of one bare commit: the same floor as the engine's."""
    connection = await asyncpg.connect(url)
    try:
        # heddle_app may make no tables, and a temporary one is not flushed: a message is.
        statement = "SELECT pg_logical_emit_message(true, 'bench', repeat('x', 100))"
        times: list[float] = []
        for _ in range(100):
            began = time.perf_counter()
            await connection.execute(statement)
            times.append((time.perf_counter() - began) * 1e3)
        return median(times)
    finally:
        await connection.close()


def _milliseconds(call: Call) -> float:
    return (call.answered - call.sent) * 1e3


def _row(row: str, unit: str, value: float) -> MeasuredRow:
    return MeasuredRow(benchmark="http", row=row, unit=unit, heddle=value)
