"""A model provider on loopback that speaks OpenAI's wire and says what a test told it to."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

from aiohttp import web
from pydantic import JsonValue

from tests.support.serving import serving

_WORD = re.compile(r"\s*\S+\s*$|\s*\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A call as it arrived; `prompt` is all message texts, one a line."""

    body: dict[str, JsonValue]
    headers: dict[str, str]

    @property
    def prompt(self) -> str:
        messages = cast("list[dict[str, JsonValue]]", self.body["messages"])
        return "\n".join(str(message["content"]) for message in messages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What to say. `status` other than 200 makes `text` the error's message; `seconds_between`
    is the pause before each word. `tool` and `arguments` call an offered function, in an answer
    that is not streamed. `retry_after` goes into an error's header of that name."""

    text: str = ""
    tool: str | None = None
    arguments: str = ""
    status: int = 200
    retry_after: str | None = None
    seconds_between: float = 0.0


Script = Callable[[Asked], Answer]


@dataclass(slots=True)
class ScriptedUpstream:
    """The provider; `script` may be replaced at any time. `asked` holds every call in order,
    `left` counts the streams that their caller closed before their end."""

    script: Script = lambda asked: Answer(text=f"echo: {asked.prompt}")
    asked: list[Asked] = field(default_factory=list[Asked])
    finished: Counter[str] = field(default_factory=Counter[str])
    left: int = 0
    url: str = ""

    def reset(self, script: Script) -> None:
        """Forget the calls and follow `script`."""
        self.asked.clear()
        self.finished.clear()
        self.left = 0
        self.script = script

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/chat/completions."""
        body = cast("dict[str, JsonValue]", await request.json())
        asked = Asked(body=body, headers={k.lower(): v for k, v in request.headers.items()})
        self.asked.append(asked)
        answer = self.script(asked)
        if answer.status != 200:
            error = {"error": {"message": answer.text, "type": "scripted"}}
            headers = {"Retry-After": answer.retry_after} if answer.retry_after else {}
            return web.json_response(error, status=answer.status, headers=headers)
        words = _WORD.findall(answer.text) or ([answer.text] if answer.text else [])
        if body.get("stream"):
            return await self._streamed(request, asked, answer, words)
        for _ in words:
            await asyncio.sleep(answer.seconds_between)
        self.finished[asked.prompt] += 1
        choice = {"index": 0, "message": _message(answer), "finish_reason": "stop"}
        return web.json_response({"id": "c", "choices": [choice], "usage": _usage(words)})

    async def _streamed(
        self, request: web.Request, asked: Asked, answer: Answer, words: list[str]
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        try:
            for word in words:
                await asyncio.sleep(answer.seconds_between)
                await response.write(_event({"choices": [_choice({"content": word})]}))
        except ConnectionError:
            self.left += 1
            return response
        await response.write(_event({"choices": [{**_choice({}), "finish_reason": "stop"}]}))
        await response.write(_event({"choices": [], "usage": _usage(words)}))
        await response.write(b"data: [DONE]\n\n")
        self.finished[asked.prompt] += 1
        return response


def _message(answer: Answer) -> dict[str, object]:
    message: dict[str, object] = {"role": "assistant", "content": answer.text}
    if answer.tool is not None:
        function = {"name": answer.tool, "arguments": answer.arguments}
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": function}]
    return message


def _choice(delta: dict[str, str]) -> dict[str, object]:
    return {"index": 0, "delta": delta, "finish_reason": None}


def _usage(words: list[str]) -> dict[str, int]:
    return {"prompt_tokens": 10, "completion_tokens": len(words), "total_tokens": 10 + len(words)}


def _event(data: object) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


@contextmanager
def scripted_upstream() -> Generator[ScriptedUpstream]:
    """A running provider on a free port."""
    upstream = ScriptedUpstream()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", upstream.handle)
    with serving(app) as address:
        upstream.url = f"http://{address}/v1"
        yield upstream
