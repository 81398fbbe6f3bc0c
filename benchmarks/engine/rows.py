"""The rows: what is run, beside which floor, and what is promised of it."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median

from benchmarks.engine.bench_nodes import chain, fan, iteration
from benchmarks.engine.engine_rig import EngineRig
from benchmarks.engine.floors import Floors
from benchmarks.engine.large_document import large_document
from benchmarks.measured_row import MeasuredRow
from libs.common.contracts.workflows import WorkflowDefinition
from services.backend.domain.apps.dsl_document import read_document
from services.backend.infra.yaml.document_reader import read_yaml
from services.engine.domain.execution.compile_workflow import compile_workflow
from services.engine.domain.nodes.catalogue import CATALOGUE

BATCH_RUNS, BATCH_NODES, BATCH_WAIT = 200, 10, 0.02
CALL_RUNS = 50
ITEMS, WIDTH = 10_000, 10

# Both bounds were set on one machine: 301 ms where the floor took 223, and 0.10 s of CPU where bare
# asyncio took 0.009. As multiples of a floor that works they hold on a slower machine too.
BATCH_BOUND = 1.35
BATCH_CPU_BOUND = 11.1
# 150 us an item where a coroutine of a bare chain takes 2.8.
ITERATION_BOUND = 53.6
# 50 ms where a bare chain of 500 takes 1.4.
COMPILE_BOUND = 35.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often things are repeated; every repetition measures the floor beside Heddle."""

    rounds: int
    runs: int


Measure = Callable[[EngineRig, Floors, Pace], Awaitable[list[MeasuredRow]]]


async def _chain10(rig: EngineRig, floors: Floors, pace: Pace) -> list[MeasuredRow]:
    found = await _side_by_side(
        rig, await rig.register(chain("pass", 10)), 11, floors.commit, pace, runs=pace.runs
    )
    return [_row("chain10", "ms", found, "one commit", 7.0)]


async def _chain500(rig: EngineRig, floors: Floors, pace: Pace) -> list[MeasuredRow]:
    found = await _side_by_side(
        rig,
        await rig.register(chain("pass", 500)),
        501,
        lambda: floors.chain(500),
        pace,
        runs=max(pace.runs // 4, 1),
    )
    return [_row("chain500", "ms", found, "bare asyncio", 18.0)]


async def _chain5000(rig: EngineRig, _floors: Floors, pace: Pace) -> list[MeasuredRow]:
    short = await rig.register(chain("pass", 500))
    found = await _side_by_side(
        rig,
        await rig.register(chain("pass", 5000)),
        5001,
        lambda: _milliseconds(rig, short, 501),
        pace,
        runs=1,
    )
    return [_row("chain5000", "ms", found, "chain500", 11.0)]


async def _fan50(rig: EngineRig, floors: Floors, pace: Pace) -> list[MeasuredRow]:
    found = await _side_by_side(
        rig, await rig.register(fan(50)), 52, lambda: floors.fan(50), pace, runs=pace.runs
    )
    return [_row("fan50", "ms", found, "group commit", 6.0)]


async def _iteration10k(rig: EngineRig, floors: Floors, pace: Pace) -> list[MeasuredRow]:
    return [await _iterated("iteration10k", 1, rig, floors, pace)]


async def _iteration10k_wide(rig: EngineRig, floors: Floors, pace: Pace) -> list[MeasuredRow]:
    return [await _iterated("iteration10k_wide", WIDTH, rig, floors, pace)]


async def _iterated(
    row: str, width: int, rig: EngineRig, floors: Floors, pace: Pace
) -> MeasuredRow:
    found = await _side_by_side(
        rig,
        await rig.register(iteration(ITEMS, width=width)),
        ITEMS + 3,
        lambda: floors.chain(ITEMS),
        pace,
        runs=1,
    )
    return _row(row, "ms", found, "bare asyncio", ITERATION_BOUND)


async def _compile500(_rig: EngineRig, floors: Floors, pace: Pace) -> list[MeasuredRow]:
    text = large_document(500)
    stored = _definition(text).model_dump_json()
    return [
        await _compiled("compile500", lambda: _definition(text), floors, pace),
        await _compiled(
            "load500", lambda: WorkflowDefinition.model_validate_json(stored), floors, pace
        ),
    ]


def _definition(text: bytes) -> WorkflowDefinition:
    return read_document(read_yaml(text).value).definition


async def _compiled(
    row: str, load: Callable[[], WorkflowDefinition], floors: Floors, pace: Pace
) -> MeasuredRow:
    ours: list[float] = []
    bare: list[float] = []
    for measured in range(-1, pace.rounds):
        floor = [await floors.chain(500) for _ in range(pace.runs)]
        times: list[float] = []
        for _ in range(max(pace.runs // 4, 1)):
            began = time.perf_counter()
            compiled = compile_workflow(load(), CATALOGUE)
            times.append((time.perf_counter() - began) * 1e3)
            assert not compiled.report.errors, compiled.report.errors
            assert len(compiled.nodes) == 500, len(compiled.nodes)
        if measured >= 0:
            bare.append(median(floor))
            ours.append(median(times))
    return _row(row, "ms", (ours, bare), "bare asyncio", COMPILE_BOUND)


async def _batch(rig: EngineRig, floors: Floors, pace: Pace) -> list[MeasuredRow]:
    workflow = await rig.register(chain("rest", BATCH_NODES, seconds=BATCH_WAIT))
    walls: list[float] = []
    bare: list[float] = []
    cpu: list[float] = []
    bare_cpu: list[float] = []
    for measured in range(-1, pace.rounds):
        floor = await floors.batch(BATCH_RUNS, BATCH_NODES, BATCH_WAIT)
        floor_cpu = await floors.batch_cpu(BATCH_RUNS, BATCH_NODES, BATCH_WAIT)
        timed = await rig.timed(workflow, nodes=BATCH_NODES + 1, runs=BATCH_RUNS)
        if measured >= 0:
            bare.append(floor)
            walls.append(timed.milliseconds)
            cpu.append(timed.cpu / (BATCH_RUNS * BATCH_NODES) * 1000)
            bare_cpu.append(floor_cpu)
    await rig.audit()
    return [
        _row("batch", "ms", (walls, bare), "waits and a group commit", BATCH_BOUND),
        _row("batch_cpu", "s/1000 nodes", (cpu, bare_cpu), "bare asyncio", BATCH_CPU_BOUND),
    ]


async def _calls10(rig: EngineRig, floors: Floors, pace: Pace) -> list[MeasuredRow]:
    found = await _side_by_side(
        rig,
        await rig.register(chain("call", 10)),
        11,
        lambda: floors.calls(1, 10),
        pace,
        runs=max(pace.runs // 2, 1),
    )
    return [_row("calls10", "ms", found, "bare loop", 1.5)]


async def _calls_batch(rig: EngineRig, floors: Floors, pace: Pace) -> list[MeasuredRow]:
    workflow = await rig.register(chain("call", 10))
    walls: list[float] = []
    bare: list[float] = []
    for measured in range(-1, pace.rounds):
        floor = await floors.calls(CALL_RUNS, 10)
        timed = await rig.timed(workflow, nodes=11, runs=CALL_RUNS)
        if measured >= 0:
            bare.append(floor)
            walls.append(timed.milliseconds)
    await rig.audit()
    return [_row("calls_batch", "ms", (walls, bare), "bare loop", 1.5)]


async def _side_by_side(
    rig: EngineRig,
    workflow: str,
    nodes: int,
    floor: Callable[[], Awaitable[float]],
    pace: Pace,
    *,
    runs: int,
) -> tuple[list[float], list[float]]:
    """Medians of each round of `runs` runs, Heddle's and the floor's."""
    ours: list[float] = []
    bare: list[float] = []
    for measured in range(-1, pace.rounds):
        floor_times = [await floor() for _ in range(runs)]
        times = [await _milliseconds(rig, workflow, nodes) for _ in range(runs)]
        if measured >= 0:
            bare.append(median(floor_times))
            ours.append(median(times))
        # Round by round: the reader keeps what it heard until it is asked.
        await rig.audit()
    return ours, bare


async def _milliseconds(rig: EngineRig, workflow: str, nodes: int) -> float:
    return (await rig.timed(workflow, nodes=nodes)).milliseconds


def _row(
    row: str, unit: str, found: tuple[list[float], list[float]], floor_is: str, bound: float
) -> MeasuredRow:
    ours, bare = found
    return MeasuredRow(
        benchmark="engine",
        row=row,
        unit=unit,
        heddle=median(ours),
        floor=median(bare),
        floor_is=floor_is,
        bound=bound,
    )


ROWS: dict[str, Measure] = {
    "chain10": _chain10,
    "chain500": _chain500,
    "chain5000": _chain5000,
    "fan50": _fan50,
    "iteration10k": _iteration10k,
    "iteration10k_wide": _iteration10k_wide,
    "compile500": _compile500,
    "batch": _batch,
    "calls10": _calls10,
    "calls_batch": _calls_batch,
}
