"""Measures one peer in this process and prints a JSON object a row.

    python measure.py PEER DATABASE_URL ROW[,ROW...] REPEATS CORE

PEER: graphon, langgraph, langgraph_postgres or dbos.

Rows: chain10, chain500, fan50 (milliseconds of one run, median), batch (200 runs of 10 nodes that
each wait 20 ms; milliseconds of the whole). `cpu` is CPU seconds of this process per 1,000 nodes.
Runs in the venv of requirements/bench.txt, so it imports nothing of Heddle.
"""

import asyncio
import importlib
import json
import os
import statistics
import sys
import time
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).parent))

BATCH_RUNS = 200
BATCH_NODES = 10
WAIT_SECONDS = 0.02
RUNS = {"chain10": 30, "chain500": 2, "fan50": 10}
SHAPES = {"chain10": ("chain", 10), "chain500": ("chain", 500), "fan50": ("fan", 50)}


async def timed_runs(run, count):
    """Milliseconds of each of `count` runs, one after the other."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        await run()
        times.append((time.perf_counter() - began) * 1e3)
    return times


async def timed_batch(run):
    """Milliseconds until 200 concurrent runs have ended."""
    began = time.perf_counter()
    await asyncio.gather(*(run() for _ in range(BATCH_RUNS)))
    return (time.perf_counter() - began) * 1e3


async def measure(peer, row, repeats):
    """One row's result."""
    if row == "batch":
        run = peer.chain(BATCH_NODES, WAIT_SECONDS)
        nodes = BATCH_RUNS * BATCH_NODES * repeats
    else:
        shape, size = SHAPES[row]
        run = peer.chain(size, 0.0) if shape == "chain" else peer.fan(size)
        nodes = (size + (shape == "fan")) * RUNS[row] * repeats
    await run()
    cpu = time.process_time()
    times = []
    for _ in range(repeats):
        if row == "batch":
            times.append(await timed_batch(run))
        else:
            times.append(statistics.median(await timed_runs(run, RUNS[row])))
    cpu = time.process_time() - cpu
    return {"row": row, "ms": statistics.median(times), "cpu": cpu / nodes * 1000}


async def main():
    """Measure the rows that the command line names."""
    name, url, rows, repeats, core = sys.argv[1:6]
    if int(core) < (os.cpu_count() or 1):
        os.sched_setaffinity(0, {int(core)})
    peer = importlib.import_module(f"{name}_peer").Peer(url)
    await peer.start()
    try:
        for row in rows.split(","):
            result = await measure(peer, row, int(repeats))
            print(json.dumps({"peer": name, **result}), flush=True)
    finally:
        await peer.close()


if __name__ == "__main__":
    uvloop.run(main())
