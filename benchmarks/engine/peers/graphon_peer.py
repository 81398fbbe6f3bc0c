"""graphon, Dify's graph engine: in memory, worker threads, a graph built for every run."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from graphon.entities.base_node_data import BaseNodeData
from graphon.entities.graph_init_params import GraphInitParams
from graphon.enums import WorkflowNodeExecutionStatus
from graphon.graph.graph import Graph
from graphon.graph_engine.command_channels import InMemoryChannel
from graphon.graph_engine.graph_engine import GraphEngine
from graphon.graph_events.graph import GraphRunSucceededEvent
from graphon.node_events.base import NodeRunResult
from graphon.nodes.base.node import Node
from graphon.nodes.start import StartNode
from graphon.runtime.graph_runtime_state import GraphRuntimeState
from graphon.runtime.variable_pool import VariablePool


class PassData(BaseNodeData):
    """Settings of the pass-through node."""

    type: str = "pass"
    previous: str = ""
    wait: float = 0.0


class PassNode(Node[PassData]):
    """Reads its predecessor, waits, writes."""

    node_type = "pass"

    @classmethod
    def version(cls):
        """The one version."""
        return "1"

    def _run(self):
        self.graph_runtime_state.variable_pool.get((self.node_data.previous, "output"))
        if self.node_data.wait:
            time.sleep(self.node_data.wait)
        return NodeRunResult(
            status=WorkflowNodeExecutionStatus.SUCCEEDED, inputs={}, outputs={"output": "x" * 100}
        )


class Factory:
    """Makes a run's nodes."""

    def __init__(self, init, state):
        self.init, self.state = init, state

    def create_node(self, config):
        """The node that `config` describes."""
        kind = StartNode if config["data"].type == "start" else PassNode
        return kind(
            id=config["id"],
            config=config,
            graph_init_params=self.init,
            graph_runtime_state=self.state,
        )


def start_node():
    """The root."""
    return {"id": "start", "data": {"type": "start", "title": "start", "variables": []}}


def pass_node(name, previous, wait=0.0):
    """A pass-through node."""
    data = {"type": "pass", "title": name, "previous": previous, "wait": wait}
    return {"id": name, "data": data}


class Peer:
    """Runs graphs on threads of their own, as its blocking API needs."""

    def __init__(self, _url):
        self.threads = ThreadPoolExecutor(256)

    async def start(self):
        """Nothing to open."""

    async def close(self):
        """End the threads."""
        self.threads.shutdown()

    def chain(self, size, wait):
        """A chain of `size` nodes that each wait `wait` seconds."""
        names = ["start", *(f"n{index}" for index in range(size))]
        nodes = [start_node()]
        nodes += [pass_node(names[i + 1], names[i], wait) for i in range(size)]
        edges = [{"source": names[i], "target": names[i + 1]} for i in range(size)]
        return self._runner(nodes, edges)

    def fan(self, size):
        """`size` parallel nodes behind the root, joined by one."""
        names = [f"n{index}" for index in range(size)]
        nodes = [start_node(), *(pass_node(n, "start") for n in names), pass_node("join", "n0")]
        edges = [{"source": "start", "target": n} for n in names]
        edges += [{"source": n, "target": "join"} for n in names]
        return self._runner(nodes, edges)

    def _runner(self, nodes, edges):
        config = {"nodes": nodes, "edges": edges}

        def run_once():
            state = GraphRuntimeState(variable_pool=VariablePool(), start_at=time.time())
            init = GraphInitParams(
                workflow_id="w", graph_config=config, run_context={}, call_depth=0
            )
            graph = Graph.init(
                graph_config=config, node_factory=Factory(init, state), root_node_id="start"
            )
            engine = GraphEngine(
                workflow_id="w",
                graph=graph,
                graph_runtime_state=state,
                command_channel=InMemoryChannel(),
            )
            last = None
            for event in engine.run():
                last = event
            assert isinstance(last, GraphRunSucceededEvent), last

        async def run():
            await asyncio.get_running_loop().run_in_executor(self.threads, run_once)

        return run
