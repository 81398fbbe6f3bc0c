"""Clients of one run each: blocking, streaming with reconnects, those that do not wait, and those
that ask a person. Each connection goes to the other backend."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp

from tests.chaos.graphs import Kind
from tests.chaos.story import Story

Manner = Literal["blocking", "streaming", "forgetting", "asking"]
Json = dict[str, Any]
SECONDS = 60.0
_PATIENCE_SECONDS = 0.2
_LONGEST_LINE = 1 << 20
_AWAY = frozenset({502, 503, 504})


class Away(Exception):
    """A server, or what it needs, is away: ask again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """An app under load, and the key that opens it."""

    kind: Kind
    key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """How one person's answer was taken. `unsure`: a try of theirs broke off, so that a refusal of
    the next one may be their own first answer's."""

    action: str
    status: int
    unsure: bool


@dataclass(slots=True, kw_only=True)
class Client:
    """One run of `job`, begun `delay` seconds late. `leaves_after` are the counts of events after
    which a streaming client drops its connection and comes back; `outputs` is what it was told in
    the end. One that asks is answered `answers_after` seconds after `struck`. A request that found
    nobody is sent again, with the same key."""

    bases: tuple[str, ...]
    app: App
    job: str
    manner: Manner
    struck: asyncio.Event
    delay: float = 0.0
    answers_after: float = 0.0
    leaves_after: tuple[int, ...] = ()
    story: Story = field(default_factory=Story)
    run_id: str = ""
    outputs: Json = field(default_factory=dict[str, Any])
    answered: list[Answered] = field(default_factory=list[Answered])
    connections: int = 0

    async def run(self, http: aiohttp.ClientSession) -> None:
        """Begin the run and follow it as this client does. Raises AssertionError."""
        await asyncio.sleep(self.delay)
        async with asyncio.timeout(SECONDS):
            while True:
                try:
                    await self._try(http)
                except (aiohttp.ClientError, Away):
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

    async def detail(self, http: aiohttp.ClientSession) -> Json:
        """GET /workflows/run/{id}."""
        url = f"{self._base()}/v1/workflows/run/{self.run_id}"
        async with http.get(url, headers=self.app.headers) as answer:
            assert answer.status == 200, await answer.text()
            return dict(await answer.json())

    def _base(self) -> str:
        self.connections += 1
        return self.bases[self.connections % len(self.bases)]

    async def _try(self, http: aiohttp.ClientSession) -> None:
        match self.manner:
            case "blocking":
                await self._wait(http)
            case "streaming":
                await self._follow(http)
            case "forgetting":
                await self._begin_and_leave(http)
            case "asking":
                await self._ask(http)

    async def _wait(self, http: aiohttp.ClientSession) -> None:
        async with self._post(http, "blocking") as answer:
            await _check(answer)
            told = await answer.json()
        if self.app.kind == "chat":
            self.run_id = str(told["task_id"])
            self.outputs = {"answer": told["answer"]}
        else:
            self.run_id = str(told["workflow_run_id"])
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

    async def _ask(self, http: aiohttp.ClientSession) -> None:
        while not self.story.waits and not self.answered:
            story = self._resumed(http, self.story.last_id, pauses=True)
            async with aclosing(story if self.story.last_id else self._begun(http)) as events:
                await self._read(events, None)
        if not self.answered:
            await self.struck.wait()
            await asyncio.sleep(self.answers_after)
            people = (self._answer(http, action) for action in ("yes", "no"))
            self.answered = list(await asyncio.gather(*people))
        await self._follow(http)

    async def _answer(self, http: aiohttp.ClientSession, action: str) -> Answered:
        """One of two people who answer at the same time."""
        unsure = False
        body = {"action": action, "inputs": {"why": f"says {action}"}, "user": "chaos"}
        while True:
            url = f"{self._base()}/v1/form/human_input/{self.story.form_token}"
            try:
                async with http.post(url, json=body, headers=self.app.headers) as answer:
                    if answer.status in {200, 412}:
                        return Answered(action=action, status=answer.status, unsure=unsure)
                    await _check(answer)
            except (aiohttp.ClientError, Away):
                unsure = True
                await asyncio.sleep(_PATIENCE_SECONDS)

    async def _read(self, events: AsyncGenerator[tuple[str, Json]], at_most: int | None) -> None:
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
        held = self.story.is_over or (self.manner == "asking" and self.story.waits)
        assert held, f"the stream broke off after {self.story.last_id}"

    async def _begun(self, http: aiohttp.ClientSession) -> AsyncGenerator[tuple[str, Json]]:
        async with self._post(http, "streaming") as answer:
            await _check(answer)
            async for event in _events(answer):
                yield event

    async def _resumed(
        self, http: aiohttp.ClientSession, last_id: str, *, pauses: bool = False
    ) -> AsyncGenerator[tuple[str, Json]]:
        """What comes after `last_id`; with `pauses` up to where the run waits for a person."""
        url = f"{self._base()}/v1/workflow/{self.run_id}/events"
        parameters = {"user": "chaos", "continue_on_pause": str(not pauses).lower()}
        headers = {**self.app.headers, "Last-Event-ID": last_id}
        async with http.get(
            url, params=parameters, headers=headers, read_bufsize=_LONGEST_LINE
        ) as answer:
            await _check(answer)
            async for event in _events(answer):
                yield event

    def _post(
        self, http: aiohttp.ClientSession, response_mode: str
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        path, body = "/v1/workflows/run", Json(inputs={"job": self.job})
        if self.app.kind == "chat":
            path, body = "/v1/chat-messages", Json(inputs={}, query=self.job)
        return http.post(
            f"{self._base()}{path}",
            json={**body, "user": "chaos", "response_mode": response_mode},
            headers={**self.app.headers, "Idempotency-Key": self.job},
            read_bufsize=_LONGEST_LINE,
        )


async def _check(answer: aiohttp.ClientResponse) -> None:
    if answer.status in _AWAY:
        raise Away(await answer.text())
    assert answer.status == 200, f"{answer.status}: {await answer.text()}"


async def _events(answer: aiohttp.ClientResponse) -> AsyncGenerator[tuple[str, Json]]:
    event_id = ""
    async for raw in answer.content:
        line = raw.decode().rstrip("\n")
        if line.startswith("id: "):
            event_id = line.removeprefix("id: ")
        elif line.startswith("data: "):
            yield event_id, json.loads(line.removeprefix("data: "))
            event_id = ""
