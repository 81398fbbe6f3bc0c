"""Prints latency and throughput of a warm sandbox, one JSON object a row.

    python -m tests.integration.plugin.sandbox.measure [bwrap|landlock] [runs]

`after_pause` rows leave the pools time to refill, as between a user's runs; `back_to_back` rows
do not.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable

from services.plugin.domain.sandbox.execution import CodeExecution, Isolation, Language
from services.plugin.infra.sandbox.options import SandboxOptions
from services.plugin.infra.sandbox.sandbox import ProcessSandbox

_TRIVIAL: dict[Language, str] = {
    "python3": "def main(a):\n    return {'b': a}",
    "javascript": "const main = ({a}) => ({b: a})",
}
_PAUSE: dict[Language, float] = {"python3": 0.03, "javascript": 0.12}


def _row(name: str, times: list[float], seconds: float) -> None:
    times = sorted(times)
    row = {
        "row": name,
        "p50_ms": round(times[len(times) // 2] * 1000, 2),
        "p95_ms": round(times[int(len(times) * 0.95)] * 1000, 2),
        "per_second": round(len(times) / seconds, 1),
    }
    sys.stdout.write(json.dumps(row) + "\n")


async def _timed(run: Callable[[], Awaitable[object]], times: list[float]) -> None:
    started = time.perf_counter()
    await run()
    times.append(time.perf_counter() - started)


async def _language(sandbox: ProcessSandbox, language: Language, runs: int) -> None:
    execution = CodeExecution(language=language, code=_TRIVIAL[language], inputs={"a": 1})

    async def run() -> None:
        outcome = await sandbox.run(execution)
        assert outcome.result == {"b": 1}, outcome

    times: list[float] = []
    for _ in range(runs):
        await _timed(run, times)
        await asyncio.sleep(_PAUSE[language])
    _row(f"{language} after_pause", times, sum(times))
    for parallel in (1, 2, 4):
        times = []

        async def loop(count: int, into: list[float]) -> None:
            for _ in range(count):
                await _timed(run, into)

        started = time.perf_counter()
        await asyncio.gather(*(loop(runs // parallel, times) for _ in range(parallel)))
        _row(f"{language} back_to_back x{parallel}", times, time.perf_counter() - started)


async def _main(level: Isolation, runs: int) -> None:
    sandbox = ProcessSandbox(SandboxOptions(strongest=level, minimum=level))
    started = time.perf_counter()
    await sandbox.start()
    started_ms = round((time.perf_counter() - started) * 1000, 1)
    sys.stdout.write(json.dumps({"row": f"{level} start", "ms": started_ms}) + "\n")
    try:
        await _language(sandbox, "python3", runs)
        await _language(sandbox, "javascript", runs)
    finally:
        await sandbox.close()


if __name__ == "__main__":
    asyncio.run(
        _main(
            "landlock" if "landlock" in sys.argv else "bwrap",
            int(sys.argv[-1]) if sys.argv[-1].isdigit() else 200,
        )
    )
