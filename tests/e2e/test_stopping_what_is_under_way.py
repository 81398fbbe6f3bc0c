"""A stopped run takes what it has under way with it: the model call and the sandboxed process."""

import threading
import time
from pathlib import Path

import pytest

from tests.e2e.documents import app, code, end, llm, start
from tests.e2e.world import ImportedApp, Json, World
from tests.integration.plugin.sandbox.processes import descendants
from tests.support.eventually import eventually
from tests.support.scripted_upstream import Answer

pytestmark = pytest.mark.xdist_group("e2e")

_WITHIN = 1.0
_BUSY_TICKS = 10
"""A tenth of a second of processor time, by which the snippet's process is known."""
_SNIPPET = """
import time

def main():
    while time.process_time() < 1.0:
        pass
    time.sleep(9)
    return {"result": "slept"}
"""


def test_the_model_is_hung_up_on_and_the_sandbox_is_emptied_within_a_second(world: World) -> None:
    world.provider(lambda _: Answer(text="word " * 2000, seconds_between=0.05))
    both = world.import_app(_model_and_code())
    plugin = world.platform.replica("plugin").pid
    idle = {pid: _ticks(pid) for pid in descendants(plugin)}
    task, running = _begun(world, both)
    try:
        eventually(lambda: bool(_busy(plugin, idle)), what="the snippet's work")
        (working,) = _busy(plugin, idle)
        eventually(lambda: bool(world.upstream.asked), what="the model call")
        asked_at = time.monotonic()
        stop = f"/v1/workflows/tasks/{task}/stop"
        world.http.post(stop, json={"user": "e2e"}, headers=both.headers).raise_for_status()
        eventually(lambda: world.upstream.left == 1, within=_left(asked_at), what="hanging up")
        gone = Path(f"/proc/{working}")
        eventually(lambda: not gone.exists(), within=_left(asked_at), what="the process's end")
    finally:
        running.join(timeout=30)
    told = world.http.get(f"/v1/workflows/run/{task}", headers=both.headers).json()
    assert told["status"] == "stopped"
    assert world.upstream.left == len(world.upstream.asked) == 1


def _model_and_code() -> Json:
    nodes = [
        start(),
        llm("model", "Say something."),
        code("work", _SNIPPET),
        end(text=["model", "text"]),
    ]
    edges: list[tuple[str, ...]] = [
        ("start", "model"), ("start", "work"), ("model", "end"), ("work", "end"),
    ]  # fmt: skip
    return app("model and code", nodes, edges)


def _begun(world: World, both: ImportedApp) -> tuple[str, threading.Thread]:
    """The id of a new run, and a thread that reads its story to the end."""
    known: list[str] = []
    begun = threading.Event()

    def read() -> None:
        with world.streamed(both, "/v1/workflows/run", {"inputs": {}}) as events:
            for event in events:
                known.append(str(event.body["task_id"]))
                begun.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert begun.wait(20)
    return known[0], thread


def _busy(root: int, idle: dict[int, int]) -> list[int]:
    """The processes below `root` that have worked since `idle` was taken."""
    return [pid for pid in descendants(root) if _ticks(pid) - idle.get(pid, 0) >= _BUSY_TICKS]


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(fields[11])


def _left(since: float) -> float:
    return since + _WITHIN - time.monotonic()
