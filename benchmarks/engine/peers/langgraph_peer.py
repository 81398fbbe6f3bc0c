"""LangGraph without a checkpointer: in memory, not durable."""

import asyncio
import operator
import uuid
from typing import Annotated, TypedDict

from langgraph.graph import END, START, StateGraph


class State(TypedDict):
    """What the nodes pass on."""

    value: str
    parts: Annotated[list, operator.add]


class Peer:
    """Builds graphs; `options` go to every invocation."""

    def __init__(self, _url):
        self.saver = None
        self.options = {}

    async def start(self):
        """Nothing to open."""

    async def close(self):
        """Nothing to close."""

    def chain(self, size, wait):
        """A chain of `size` nodes that each wait `wait` seconds."""

        async def node(_state):
            if wait:
                await asyncio.sleep(wait)
            return {"value": "x" * 100}

        graph = StateGraph(State)
        previous = START
        for index in range(size):
            graph.add_node(f"n{index}", node)
            graph.add_edge(previous, f"n{index}")
            previous = f"n{index}"
        graph.add_edge(previous, END)
        return self._runner(graph, size)

    def fan(self, size):
        """`size` parallel nodes behind one, joined by one."""

        async def first(_state):
            return {"value": "x" * 100}

        async def leaf(_state):
            return {"parts": ["y"]}

        async def join(state):
            return {"value": str(len(state["parts"]))}

        graph = StateGraph(State)
        graph.add_node("first", first)
        graph.add_node("join", join)
        graph.add_edge(START, "first")
        for index in range(size):
            graph.add_node(f"n{index}", leaf)
            graph.add_edge("first", f"n{index}")
        graph.add_edge([f"n{index}" for index in range(size)], "join")
        graph.add_edge("join", END)
        return self._runner(graph, size)

    def _runner(self, graph, size):
        app = graph.compile(checkpointer=self.saver)

        async def run():
            config = {
                "recursion_limit": size + 20,
                "configurable": {"thread_id": str(uuid.uuid4())},
            }
            result = await app.ainvoke({"value": "", "parts": []}, config=config, **self.options)
            assert result["value"]

        return run
