"""Fifty runs under way: who they are, what they ask, and what every client must have seen."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from uuid import UUID

import aiohttp

from tests.chaos.clients import App, Client, Manner
from tests.chaos.database import CallRow
from tests.chaos.graphs import NODES, prompts_of
from tests.chaos.slow_upstream import SlowUpstream, answer_of
from tests.chaos.story import check_unspliced

_MANNERS: tuple[Manner, ...] = ("blocking", "streaming", "streaming", "streaming", "forgetting")
_MOST_LEAVES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The clients of one round."""

    clients: list[Client]

    @classmethod
    def drawn(
        cls,
        base: str,
        apps: list[App],
        name: str,
        count: int,
        rng: random.Random,
        *,
        patient: bool,
    ) -> "Load":
        """`count` clients with unique jobs. Half of the streaming ones leave and come back."""
        clients: list[Client] = []
        for index in range(count):
            manner = rng.choice(_MANNERS)
            leaves = [rng.randint(1, 9) for _ in range(rng.randint(0, _MOST_LEAVES))]
            clients.append(
                Client(
                    base=base,
                    app=rng.choice(apps),
                    job=f"{name} {index}",
                    manner=manner,
                    leaves_after=tuple(leaves) if rng.random() < 0.5 else (),
                    patient=patient,
                )
            )
        return cls(clients=clients)

    @property
    def run_ids(self) -> list[UUID]:
        return [UUID(client.run_id) for client in self.clients]

    def first_prompts(self) -> frozenset[str]:
        """What is asked as soon as every run is under way."""
        return frozenset(prompts_of(client.app.mode, client.job)[0] for client in self.clients)

    def prompts(self) -> frozenset[str]:
        return frozenset(
            prompt for client in self.clients for prompt in prompts_of(client.app.mode, client.job)
        )

    def prompt_of(self, call: CallRow) -> str:
        """What a keyed call of one of these runs asks."""
        client = next(each for each in self.clients if each.run_id == str(call.run_id))
        node = call.key.split("/")[2]
        return prompts_of(client.app.mode, client.job)[NODES[client.app.mode].index(node)]

    def start(self, http: aiohttp.ClientSession) -> "list[asyncio.Task[None]]":
        return [asyncio.create_task(client.run(http), name=client.job) for client in self.clients]

    async def check(self, http: aiohttp.ClientSession, upstream: SlowUpstream) -> int:
        """Every client was told the truth, and would be told the same again. Returns how many
        times text was withdrawn from a reader."""
        for client in self.clients:
            await _check(client, http, upstream)
        return sum(client.story.replacements for client in self.clients)

    def calls(self, upstream: SlowUpstream) -> Counter[str]:
        """How often each prompt of this round was asked."""
        return Counter({prompt: upstream.calls[prompt] for prompt in self.prompts()})


async def _check(client: Client, http: aiohttp.ClientSession, upstream: SlowUpstream) -> None:
    detail = await client.detail(http)
    assert detail["status"] == "succeeded", detail
    whole = await client.read_again(http)
    assert whole.outputs == detail["outputs"]
    _check_answers(client, whole.text, whole.outputs, upstream)
    if client.manner == "forgetting":
        return
    told = {name: whole.outputs.get(name) for name in client.outputs}
    assert client.outputs == told
    if client.manner == "streaming":
        assert client.story.text == whole.text
        assert client.story.happened == whole.happened, "a gap between two connections"


def _check_answers(
    client: Client, text: str, outputs: dict[str, str], upstream: SlowUpstream
) -> None:
    """Each answer is one whole call's, and the text shows both in order."""
    check_unspliced(text)
    shown: list[str] = []
    for prompt in prompts_of(client.app.mode, client.job):
        said = [answer_of(prompt, call) for call in range(1, upstream.calls[prompt] + 1)]
        whole = [answer for answer in said if answer in text]
        assert len(whole) == 1, f"{text!r} holds none of {said}"
        shown += whole
    if client.app.mode == "advanced-chat":
        assert text == outputs["answer"] == f"One {shown[0]} two {shown[1]} end."
    else:
        assert [outputs["left"], outputs["right"]] == shown
