"""Whatever happens in whatever order: one recorded end a key, and every reader gets that one."""

import asyncio
from dataclasses import dataclass, field

from hypothesis import example, given, settings
from hypothesis import strategies as st

from libs.common.contracts.envelope import EffectClass
from libs.common.errors import HeddleError, RateLimited, WireError
from libs.common.keyed_calls.ledger import CallStopped, OutcomeUnknown, RunAlreadyEnded
from tests.unit.libs.common.keyed_calls.processes import (
    RUN,
    TENANT,
    Process,
    Reader,
    World,
    effect,
)

_CLASSES: dict[str, EffectClass] = {"m": "model", "i": "idempotent", "u": "unsafe"}
_PROCESSES = 3

_key = st.sampled_from(sorted(_CLASSES))
_which = st.integers(0, _PROCESSES - 1)
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("open"), _which, _key),
        st.tuples(st.just("leave"), st.integers(0, 5), _key),
        st.tuples(st.just("part"), st.integers(0, 2), _key),
        st.tuples(st.just("finish"), st.integers(0, 2), _key),
        st.tuples(st.just("fail"), st.integers(0, 2), _key),
        st.tuples(st.just("cut"), _which, _key),
        st.tuples(st.just("mend"), _which, _key),
        st.tuples(st.just("lose answer"), _which, _key),
        st.tuples(st.just("cancel"), _which, _key),
        st.tuples(st.just("end run"), _which, _key),
        st.tuples(st.just("wait"), st.integers(1, 15), _key),
    ),
    max_size=25,
)


@dataclass(slots=True)
class _Play:
    world: World = field(default_factory=World)
    processes: list[Process] = field(default_factory=list[Process])
    readers: list[tuple[str, Reader]] = field(default_factory=list[tuple[str, Reader]])
    finals: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    run_ended: bool = False

    async def step(self, what: str, number: int, key: str) -> None:
        upstreams = self.world.upstreams.get(key, [])
        process = self.processes[number % _PROCESSES]
        match what:
            case "open":
                wanted = effect(key, _CLASSES[key])
                self.readers.append((key, self.world.read(process, wanted, timeout=500)))
            case "leave" if number < len(self.readers):
                await self.readers.pop(number)[1].go_away()
            case "part" if number < len(upstreams):
                upstreams[number].send(f"part of {number}")
            case "finish" if number < len(upstreams):
                upstreams[number].send(f"end of {number}.")
            case "fail" if number < len(upstreams):
                upstreams[number].send(RateLimited(f"failure of {number}"))
            case "cut":
                process.ledger.cut, process.reachable = True, False
            case "mend":
                process.ledger.cut, process.reachable = False, True
            case "lose answer":
                process.ledger.lose_answers = 1
            case "cancel" if not process.ledger.cut:
                await process.calls.cancel(TENANT, RUN, key, 1)
            case "end run" if not process.ledger.cut:
                await process.calls.run_ended(TENANT, RUN, 1)
                self.run_ended = True
            case "wait":
                await self.world.clock.advance(number)
            case _:
                pass
        await self.world.clock.advance(0)

    async def settle(self) -> None:
        """Everything works again, and every upstream call ends."""
        for process in self.processes:
            process.ledger.cut, process.reachable, process.ledger.lose_answers = False, True, 0
        for _ in range(6):
            for calls in self.world.upstreams.values():
                for number, upstream in enumerate(calls):
                    upstream.send(f"end of {number}.")
            await self.world.clock.advance(20)

    async def refused(self) -> None:
        """An ended run makes no call, whether or not its key was ever seen, and whoever asks."""
        made = sum(len(calls) for calls in self.world.upstreams.values())
        for process in self.processes:
            for key in (*_CLASSES, "never seen"):
                late = self.world.read(process, effect(key))
                await late.end()
                assert isinstance(late.error, RunAlreadyEnded)
        assert made == sum(len(calls) for calls in self.world.upstreams.values())
        assert all(row.end is not None for row in self.world.records.claims.values())

    def check(self) -> None:
        for key, reader in self.readers:
            assert reader.task.done()
            end = self.world.records.claims[TENANT, key].end if reader.words else None
            finals = [word for word in reader.words if word.endswith(".")]
            assert len(finals) <= 1
            if finals:
                assert end is not None
                assert (end.status, end.payload.decode()) == ("done", finals[0])
            elif reader.error is not None:
                self._check_error(key, reader.error)
            else:
                raise AssertionError("a reader ended with neither an answer nor an error")
        assert len(self.world.upstreams.get("u", [])) <= 1
        for row in self.world.records.claims.values():
            assert row.end is not None or row.claim_number

    def _check_error(self, key: str, error: HeddleError) -> None:
        row = self.world.records.claims.get((TENANT, key))
        if isinstance(error, RateLimited | CallStopped | OutcomeUnknown):
            assert row is not None
            assert row.end is not None
            recorded = WireError.model_validate_json(row.end.payload)
            assert (recorded.code, recorded.message) == (error.code, error.message) or isinstance(
                error, CallStopped | OutcomeUnknown
            )
        elif isinstance(error, RunAlreadyEnded):
            assert self.run_ended
        else:
            assert error.code == "unavailable"


@settings(max_examples=300, deadline=None)
@given(steps=_steps)
@example(steps=[("lose answer", 1, "m"), ("open", 1, "m"), ("open", 0, "m")])
@example(steps=[("open", 0, "m"), ("open", 1, "i"), ("end run", 2, "m"), ("end run", 0, "m")])
def test_every_reader_gets_the_one_recorded_end(steps: list[tuple[str, int, str]]) -> None:
    async def play() -> None:
        acting = _Play()
        for _ in range(_PROCESSES):
            acting.processes.append(await acting.world.start())
        try:
            for what, number, key in steps:
                await acting.step(what, number, key)
            await acting.settle()
            acting.check()
            if acting.run_ended:
                await acting.refused()
        finally:
            await acting.world.close()

    asyncio.run(play())
