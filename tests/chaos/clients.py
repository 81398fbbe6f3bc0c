"""Clients of one run each: blocking, streaming with reconnects, and those that do not wait."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp

from tests.chaos.story import Story

Manner = Literal["blocking", "streaming", "forgetting"]
Json = dict[str, Any]
SECONDS = 60.0
_PATIENCE_SECONDS = 0.2
_LONGEST_LINE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """An app under load, and the key that opens it."""

    mode: str
    key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@dataclass(slots=True, kw_only=True)
class Client:
    """One run of `job`. `leaves_after` are the counts of events after which a streaming client
    drops its connection and comes back; `outputs` is what it was told in the end. A `patient` one
    does not mind that its server goes away: it asks again, or sends the same request again."""

    base: str
    app: App
    job: str
    manner: Manner
    leaves_after: tuple[int, ...] = ()
    patient: bool = False
    story: Story = field(default_factory=Story)
    run_id: str = ""
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])

    async def run(self, http: aiohttp.ClientSession) -> None:
        """Begin the run and follow it as this client does. Raises AssertionError."""
        async with asyncio.timeout(SECONDS):
            while True:
                try:
                    await self._try(http)
                except aiohttp.ClientError:
                    if not self.patient:
                        raise
                    await asyncio.sleep(_PATIENCE_SECONDS)
                else:
                    return

    async def read_again(self, http: aiohttp.ClientSession) -> Story:
        """The whole story, as a client that saw nothing would get it now."""
        told = Story()
        async with asyncio.timeout(SECONDS):
            async for event_id, body in self._resumed(http, "0.0"):
                told.add(event_id, body)
        assert told.is_over
        return told

    async def detail(self, http: aiohttp.ClientSession) -> dict[str, Any]:
        """GET /workflows/run/{id}."""
        url = f"{self.base}/v1/workflows/run/{self.run_id}"
        async with http.get(url, headers=self.app.headers) as answer:
            assert answer.status == 200, await answer.text()
            return dict(await answer.json())

    async def _try(self, http: aiohttp.ClientSession) -> None:
        match self.manner:
            case "blocking":
                await self._wait(http)
            case "streaming":
                await self._follow(http)
            case "forgetting":
                await self._begin_and_leave(http)

    async def _wait(self, http: aiohttp.ClientSession) -> None:
        async with self._post(http, "blocking") as answer:
            assert answer.status == 200, await answer.text()
            told = await answer.json()
        if self.app.mode == "advanced-chat":
            self.run_id = str(told["task_id"])
            self.outputs = {"answer": told["answer"]}
        else:
            self.run_id = str(told["workflow_run_id"])
            assert told["data"]["status"] == "succeeded", told
            self.outputs = dict(told["data"]["outputs"])

    async def _follow(self, http: aiohttp.ClientSession) -> None:
        leaves = iter(self.leaves_after)
        if not self.story.last_id:
            async with aclosing(self._begun(http)) as events:
                await self._read(events, next(leaves, None))
        while not self.story.is_over:
            async with aclosing(self._resumed(http, self.story.last_id)) as events:
                await self._read(events, next(leaves, None))
        self.outputs = self.story.outputs

    async def _begin_and_leave(self, http: aiohttp.ClientSession) -> None:
        async with aclosing(self._begun(http)) as events:
            async for _, body in events:
                self.run_id = str(body["workflow_run_id"])
                return

    async def _read(
        self, events: AsyncGenerator[tuple[str, dict[str, Any]]], at_most: int | None
    ) -> None:
        count = 0
        async for event_id, body in events:
            if self.story.is_over:
                # message_end and workflow_finished may come in either order.
                assert body["event"] in {"message_end", "error"}, body
                continue
            self.story.add(event_id, body)
            self.run_id = self.story.run_id
            count += 1
            if count == at_most and not self.story.is_over:
                return
        assert self.story.is_over, f"the stream broke off after {self.story.last_id}"

    async def _begun(
        self, http: aiohttp.ClientSession
    ) -> AsyncGenerator[tuple[str, dict[str, Any]]]:
        async with self._post(http, "streaming") as answer:
            assert answer.status == 200, await answer.text()
            async for event in _events(answer):
                yield event

    async def _resumed(
        self, http: aiohttp.ClientSession, last_id: str
    ) -> AsyncGenerator[tuple[str, dict[str, Any]]]:
        url = f"{self.base}/v1/workflow/{self.run_id}/events"
        headers = {**self.app.headers, "Last-Event-ID": last_id}
        async with http.get(
            url, params={"user": "chaos"}, headers=headers, read_bufsize=_LONGEST_LINE
        ) as answer:
            assert answer.status == 200, await answer.text()
            async for event in _events(answer):
                yield event

    def _post(
        self, http: aiohttp.ClientSession, response_mode: str
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        path, body = "/v1/workflows/run", Json(inputs={"job": self.job})
        if self.app.mode == "advanced-chat":
            path, body = "/v1/chat-messages", Json(inputs={}, query=self.job)
        return http.post(
            f"{self.base}{path}",
            json={**body, "user": "chaos", "response_mode": response_mode},
            headers={**self.app.headers, "Idempotency-Key": self.job},
            read_bufsize=_LONGEST_LINE,
        )


async def _events(
    answer: aiohttp.ClientResponse,
) -> AsyncGenerator[tuple[str, dict[str, Any]]]:
    event_id = ""
    async for raw in answer.content:
        line = raw.decode().rstrip("\n")
        if line.startswith("id: "):
            event_id = line.removeprefix("id: ")
        elif line.startswith("data: "):
            yield event_id, json.loads(line.removeprefix("data: "))
            event_id = ""
