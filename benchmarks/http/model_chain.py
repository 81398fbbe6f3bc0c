"""What a model call costs through the whole platform, beside the same call made directly."""

import json
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from itertools import pairwise
from statistics import median
from typing import Any

import aiohttp

from benchmarks.http.calls import Caller
from benchmarks.http.fast_upstream import WORDS
from benchmarks.http.model_hops import median_model_hops
from benchmarks.http.process_times import cpu_seconds
from benchmarks.measured_row import MeasuredRow
from deploy.local.layout import CHECKOUT
from deploy.local.loopback import LOOPBACK
from tests.support.platform import Platform

NODES = 10
CLIENTS = 16
_WARM_UP = 5
_PROMPT = "Say it."


def _document() -> dict[str, Any]:
    names = [f"ask{number}" for number in range(NODES)]
    outputs = [{"variable": "text", "value_selector": [names[-1], "text"]}]
    nodes: list[dict[str, Any]] = [
        {"id": "start", "data": {"type": "start", "title": "Start", "variables": []}},
        *({"id": name, "data": _node(name)} for name in names),
        {"id": "end", "data": {"type": "end", "title": "End", "outputs": outputs}},
    ]
    order = ["start", *names, "end"]
    return {
        "version": "0.5.0",
        "kind": "app",
        "app": {"name": "Models", "mode": "workflow"},
        "workflow": {
            "graph": {
                "nodes": nodes,
                "edges": [
                    {"id": f"{a}-{b}", "source": a, "target": b, "sourceHandle": "source"}
                    for a, b in pairwise(order)
                ],
            }
        },
    }


def _node(name: str) -> dict[str, Any]:
    return {
        "type": "llm",
        "title": name,
        "model": {"provider": "openai", "name": "any", "mode": "chat", "completion_params": {}},
        "prompt_template": [{"role": "user", "text": _PROMPT}],
        "context": {"enabled": False},
        "vision": {"enabled": False},
    }


@contextmanager
def running_upstream() -> Generator[str]:
    """Its base URL."""
    command = [sys.executable, "-m", "benchmarks.http.fast_upstream"]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://{LOOPBACK}:{int(process.stdout.readline())}"
        finally:
            process.terminate()


async def measured_models(
    session: aiohttp.ClientSession, platform: Platform, upstream: str, runs: int, seconds: float
) -> list[MeasuredRow]:
    """The rows of a chain of model calls: `runs` one after the other, then `seconds` of many."""
    await _connect(session, platform, upstream)
    caller = Caller(session, platform.url, _document(), {}, {"text": "".join(WORDS)})
    await caller.import_app(platform.admin_token)
    await caller.one_after_the_other(_WARM_UP)
    direct = [await _direct(session, upstream) for _ in range(10 * NODES)]
    await _instants(session, upstream)
    alone = await caller.one_after_the_other(runs)
    hops = await median_model_hops(platform.environment, alone, await _instants(session, upstream))
    await caller.side_by_side(CLIENTS, seconds / 5)
    before, began = cpu_seconds(), time.monotonic()
    crowd = await caller.side_by_side(CLIENTS, seconds)
    elapsed, after = time.monotonic() - began, cpu_seconds()
    nodes = len(crowd) * NODES
    return [
        MeasuredRow(
            benchmark="http",
            row="LLM node, 1 client",
            unit="ms",
            heddle=sum(hops.values()),
            floor=median(direct),
            floor_is="the upstream, called directly",
        ),
        *(_row(f"LLM hop: {hop}", "ms", value) for hop, value in hops.items()),
        _row(f"LLM nodes, {CLIENTS} clients", "nodes/s", nodes / elapsed),
        *(
            _row(f"LLM CPU: {name}", "ms/node", (used - before.get(name, 0.0)) / nodes * 1e3)
            for name, used in sorted(after.items())
        ),
    ]


async def _connect(session: aiohttp.ClientSession, platform: Platform, upstream: str) -> None:
    async with session.put(
        f"{platform.url}/api/providers/openai",
        json={"api_key": "sk-benchmark", "base_url": f"{upstream}/v1"},
        headers={"Authorization": f"Bearer {platform.admin_token}"},
    ) as response:
        assert response.ok, await response.text()


async def _direct(session: aiohttp.ClientSession, upstream: str) -> float:
    """Milliseconds of one call, streamed to its end."""
    body = {
        "model": "any",
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [{"role": "user", "content": _PROMPT}],
    }
    began = time.perf_counter()
    async with session.post(f"{upstream}/v1/chat/completions", json=body) as response:
        said = [
            json.loads(line[6:]) async for line in response.content if line.startswith(b"data: {")
        ]
    took = (time.perf_counter() - began) * 1e3
    assert len(said) == len(WORDS) + 2, said
    return took


async def _instants(session: aiohttp.ClientSession, upstream: str) -> list[tuple[float, float]]:
    async with session.get(f"{upstream}/instants") as response:
        return [(had, wrote) for had, wrote in json.loads(await response.read())]


def _row(row: str, unit: str, value: float) -> MeasuredRow:
    return MeasuredRow(benchmark="http", row=row, unit=unit, heddle=value)
