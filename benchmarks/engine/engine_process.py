"""Measures rows with a real engine in this process, on a core of its own.

    python -m benchmarks.engine.engine_process URLS_JSON FLOOR_URL ROW[,ROW...] ROUNDS RUNS

Prints one JSON object a row.
"""

import json
import sys
from dataclasses import asdict

import uvloop

from benchmarks.cores import ENGINE, pin
from benchmarks.engine.engine_rig import RigUrls, running_rig
from benchmarks.engine.floor_table import make_floor_table
from benchmarks.engine.floors import Floors
from benchmarks.engine.rows import ROWS, Pace


async def main() -> None:
    urls, floor_url, rows, rounds, runs = sys.argv[1:6]
    rig_urls = RigUrls(**json.loads(urls))
    pace = Pace(rounds=int(rounds), runs=int(runs))
    await make_floor_table(floor_url)
    async with running_rig(rig_urls) as rig, Floors(floor_url, rig_urls.nats) as floors:
        for name in rows.split(","):
            for row in await ROWS[name](rig, floors, pace):
                print(json.dumps(asdict(row)), flush=True)


if __name__ == "__main__":
    pin(ENGINE)
    uvloop.run(main())
