"""The runs of one round: who they are, what they ask, and what every client must have seen."""

import asyncio
import random
from dataclasses import dataclass
from uuid import UUID

import aiohttp

from tests.chaos.clients import App, Client, Manner
from tests.chaos.graphs import KINDS, Kind, prompts_of
from tests.chaos.truth import Upstreams, check_outcome

_MANNERS: tuple[Manner, ...] = ("blocking", "streaming", "streaming", "streaming", "forgetting")
_MOST_LEAVES = 3
_LATEST_SECONDS = 4.0
"""Half of the clients come at once, the others until then."""
_LATEST_ANSWER_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The clients of one round; `struck` is set when it strikes."""

    clients: list[Client]
    struck: asyncio.Event

    @classmethod
    def drawn(
        cls,
        bases: tuple[str, ...],
        apps: dict[Kind, App],
        name: str,
        counts: dict[Kind, int],
        rng: random.Random,
    ) -> "Load":
        """As many clients of a kind as `counts` says, with unique jobs. Half of the streaming ones
        leave and come back."""
        struck = asyncio.Event()
        kinds: list[Kind] = [kind for kind in KINDS for _ in range(counts[kind])]
        clients: list[Client] = []
        for index, kind in enumerate(kinds):
            leaves = [rng.randint(1, 9) for _ in range(rng.randint(0, _MOST_LEAVES))]
            manner = rng.choice(_MANNERS)
            clients.append(
                Client(
                    bases=tuple(rng.sample(bases, len(bases))),
                    app=apps[kind],
                    job=f"{name}-{index}",
                    manner="asking" if kind == "ask" else manner,
                    struck=struck,
                    delay=rng.choice((0.0, rng.uniform(0.0, _LATEST_SECONDS))),
                    answers_after=rng.uniform(0.0, _LATEST_ANSWER_SECONDS),
                    leaves_after=tuple(leaves) if rng.random() < 0.5 else (),
                )
            )
        return cls(clients=clients, struck=struck)

    @property
    def run_ids(self) -> list[UUID]:
        return [UUID(client.run_id) for client in self.clients]

    @property
    def reconnections(self) -> int:
        """How often clients came back, or had to ask again."""
        return sum(client.connections - 1 for client in self.clients)

    def client_of(self, run_id: UUID) -> Client:
        return next(client for client in self.clients if client.run_id == str(run_id))

    def words(self) -> int:
        """How many words all models of this round say at least."""
        prompts = (prompts_of(client.app.kind, client.job) for client in self.clients)
        return sum(map(len, prompts)) * 8

    def start(self, http: aiohttp.ClientSession) -> "list[asyncio.Task[None]]":
        return [asyncio.create_task(client.run(http), name=client.job) for client in self.clients]

    async def check(self, http: aiohttp.ClientSession, upstreams: Upstreams) -> int:
        """Every client was told the truth, and would be told the same again. Returns how many
        times text was withdrawn from a reader."""
        for client in self.clients:
            await _check(client, http, upstreams)
        return sum(client.story.replacements for client in self.clients)


async def _check(client: Client, http: aiohttp.ClientSession, upstreams: Upstreams) -> None:
    whole = await client.read_again(http)
    detail = await client.detail(http)
    assert whole.outputs == detail["outputs"]
    check_outcome(client, whole, upstreams)
    assert detail["status"] == whole.status, detail
    if client.manner == "forgetting":
        return
    told = {name: whole.outputs.get(name) for name in client.outputs}
    assert client.outputs == told
    if client.story.is_over:
        assert client.story.text == whole.text
        assert client.story.happened == whole.happened, "a gap between two connections"
