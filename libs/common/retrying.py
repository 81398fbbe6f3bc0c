"""Retry policies carried out by tenacity."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception
from tenacity.wait import wait_random_exponential

from libs.common.clock import Clock, SystemClock
from libs.common.errors import HeddleError
from libs.common.retry_policy import RetryPolicy

T = TypeVar("T")


async def retrying(
    policy: RetryPolicy,
    work: Callable[[], Awaitable[T]],
    *,
    retry_on: tuple[type[Exception], ...] = (),
    clock: Clock | None = None,
) -> T:
    """Await `work()` until it succeeds or `policy` is used up; then its last error is raised.

    Repeats HeddleErrors that say `retryable`, and `retry_on`. An error's `retry_after` lengthens
    the wait before the next try.
    """

    def repeat(error: BaseException) -> bool:
        if isinstance(error, HeddleError):
            return error.retryable or isinstance(error, retry_on)
        return isinstance(error, retry_on) and not isinstance(error, asyncio.CancelledError)

    # By the loop, so that time is simulated where the loop's is.
    begun = asyncio.get_running_loop().time()
    try:
        # Most succeed at once, and tenacity's machinery costs more than a small statement.
        return await work()
    except Exception as error:
        if not repeat(error):
            raise
        failed = error
    until = begun + policy.total.total_seconds()
    return await _again(policy, failed, work, repeat, until=until, clock=clock or SystemClock())


async def _again(
    policy: RetryPolicy,
    failed: Exception,
    work: Callable[[], Awaitable[T]],
    repeat: Callable[[BaseException], bool],
    *,
    until: float,
    clock: Clock,
) -> T:
    """The tries behind the first one, which ended with `failed`; none begins after `until`."""
    first: Exception | None = failed
    loop = asyncio.get_running_loop()
    wait = wait_random_exponential(
        multiplier=policy.first.total_seconds(), max=policy.cap.total_seconds()
    )

    def next_wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        asked = error.retry_after if isinstance(error, HeddleError) else None
        return max(wait(state), asked or 0.0)

    def is_over(state: RetryCallState) -> bool:
        return state.attempt_number >= policy.attempts or loop.time() >= until

    async def once() -> T:
        nonlocal first
        if first is not None:
            error, first = first, None
            raise error
        return await work()

    attempts = AsyncRetrying(
        stop=is_over,
        wait=next_wait,
        retry=retry_if_exception(repeat),
        sleep=clock.sleep,
        reraise=True,
    )
    return await attempts(once)
