"""Requests to a running platform, as its clients make them."""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import aiohttp

from benchmarks.http.hops import Call

_SECONDS = 60.0
DOCUMENT: dict[str, Any] = {
    "version": "0.5.0",
    "kind": "app",
    "app": {"name": "Benchmark", "mode": "workflow"},
    "workflow": {
        "graph": {
            "nodes": [
                {
                    "id": "start",
                    "data": {
                        "type": "start",
                        "title": "Start",
                        "variables": [
                            {
                                "variable": "name",
                                "label": "name",
                                "type": "text-input",
                                "required": True,
                            }
                        ],
                    },
                },
                {
                    "id": "template",
                    "data": {
                        "type": "template-transform",
                        "title": "Template",
                        "template": "Hello {{ name }}!",
                        "variables": [{"variable": "name", "value_selector": ["start", "name"]}],
                    },
                },
                {
                    "id": "end",
                    "data": {
                        "type": "end",
                        "title": "End",
                        "outputs": [{"variable": "text", "value_selector": ["template", "output"]}],
                    },
                },
            ],
            "edges": [
                {"id": f"{a}-{b}", "source": a, "target": b, "sourceHandle": "source"}
                for a, b in (("start", "template"), ("template", "end"))
            ],
        }
    },
}


class Caller:
    """One app and its blocking runs: each is given `inputs` and must leave `outputs`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        document: Mapping[str, Any],
        inputs: Mapping[str, str],
        outputs: Mapping[str, str],
    ) -> None:
        self._session = session
        self._url = url
        self._document = document
        self._inputs = inputs
        self._outputs = outputs
        self._key = ""

    async def import_app(self, admin_token: str) -> None:
        """Import and publish it; its key is used from now on."""
        async with self._session.post(
            f"{self._url}/api/apps/import?publish=true",
            # JSON is YAML.
            data=json.dumps(self._document),
            headers={"Authorization": f"Bearer {admin_token}"},
        ) as response:
            answer = await response.json()
            assert response.ok, answer
        self._key = answer["api_key"]

    async def call(self) -> Call:
        """One run, from the request to its whole answer."""
        sent = time.time()
        async with self._session.post(
            f"{self._url}/v1/workflows/run",
            json={"inputs": self._inputs, "response_mode": "blocking", "user": "bench"},
            headers={"Authorization": f"Bearer {self._key}"},
            timeout=aiohttp.ClientTimeout(total=_SECONDS),
        ) as response:
            answer = await response.json()
        assert answer["data"]["outputs"] == self._outputs, answer
        return Call(run_id=UUID(answer["workflow_run_id"]), sent=sent, answered=time.time())

    async def one_after_the_other(self, count: int) -> list[Call]:
        return [await self.call() for _ in range(count)]

    async def side_by_side(self, clients: int, seconds: float) -> list[Call]:
        """`clients` of them, each with one run after the other, until `seconds` have passed."""
        until = time.monotonic() + seconds

        async def one() -> list[Call]:
            made: list[Call] = []
            while time.monotonic() < until:
                made.append(await self.call())
            return made

        done = await asyncio.gather(*(one() for _ in range(clients)))
        return [call for each in done for call in each]
