"""A slow model on loopback that speaks OpenAI's wire and counts the calls of every prompt.

Each word says which prompt's kind, which place and which call it belongs to (`a3c1`: kind a,
word 3, first call), so that an answer glued together from two calls shows.
"""

import asyncio
import json
import random
import re
import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.support.serving import serving

WORD = re.compile(r"([a-z])(\d+)c(\d+)")
_WORDS = (8, 12)
_PAUSES = (0.18, 0.28)


def answer_of(prompt: str, call: int) -> str:
    """What the `call`-th call (from 1) of `prompt` says; its first letter is the kind."""
    count = random.Random(prompt).randint(*_WORDS)
    return " ".join(f"{prompt[0]}{place}c{call}" for place in range(count))


@dataclass(slots=True)
class SlowUpstream:
    """`calls` and `finished` count by prompt; `words` is how many words were sent in all."""

    calls: Counter[str] = field(default_factory=Counter[str])
    finished: Counter[str] = field(default_factory=Counter[str])
    words: int = 0
    url: str = ""
    _moved: threading.Condition = field(default_factory=threading.Condition)

    def wait_for_calls(self, prompts: frozenset[str], *, within: float) -> None:
        """Return when every prompt was asked. Raises TimeoutError."""
        with self._moved:
            if not self._moved.wait_for(lambda: prompts <= self.calls.keys(), within):
                missing = len(prompts - self.calls.keys())
                raise TimeoutError(f"{missing} of {len(prompts)} prompts were never asked")

    def wait_for_words(self, count: int, *, within: float) -> None:
        """Return when `count` more words were sent. Raises TimeoutError."""
        with self._moved:
            until = self.words + count
            if not self._moved.wait_for(lambda: self.words >= until, within):
                raise TimeoutError(f"{until - self.words} of {count} words were not sent")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/chat/completions, streaming."""
        body: dict[str, Any] = await request.json()
        prompt = "\n".join(str(message["content"]) for message in body["messages"])
        with self._moved:
            self.calls[prompt] += 1
            call = self.calls[prompt]
            self._moved.notify_all()
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        # A killed caller ends its connection: the call is lost, and that is all.
        with suppress(ConnectionError):
            await response.prepare(request)
            await self._say(response, prompt, call)
        return response

    async def _say(self, response: web.StreamResponse, prompt: str, call: int) -> None:
        paces = random.Random(f"pace of {prompt}")
        for place, word in enumerate(answer_of(prompt, call).split(" ")):
            await asyncio.sleep(paces.uniform(*_PAUSES))
            await response.write(_event({"content": word if place == 0 else f" {word}"}))
            with self._moved:
                self.words += 1
                self._moved.notify_all()
        await response.write(_event({}, finish="stop"))
        await response.write(b"data: [DONE]\n\n")
        self.finished[prompt] += 1


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return f"data: {json.dumps({'choices': [choice]})}\n\n".encode()


@contextmanager
def slow_upstream() -> Generator[SlowUpstream]:
    """A running upstream on a free port."""
    upstream = SlowUpstream()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", upstream.handle)
    with serving(app) as address:
        upstream.url = f"http://{address}/v1"
        yield upstream
