"""Retry policies carried out by tenacity."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception
from tenacity.stop import stop_after_attempt, stop_after_delay
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
    wait = wait_random_exponential(
        multiplier=policy.first.total_seconds(), max=policy.cap.total_seconds()
    )

    def next_wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        asked = error.retry_after if isinstance(error, HeddleError) else None
        return max(wait(state), asked or 0.0)

    def repeat(error: BaseException) -> bool:
        if isinstance(error, HeddleError):
            return error.retryable or isinstance(error, retry_on)
        return isinstance(error, retry_on) and not isinstance(error, asyncio.CancelledError)

    async def once() -> T:
        # tenacity only awaits what is a coroutine function by its looks; `work` may be a lambda.
        return await work()

    attempts = AsyncRetrying(
        stop=stop_after_attempt(policy.attempts) | stop_after_delay(policy.total),
        wait=next_wait,
        retry=retry_if_exception(repeat),
        sleep=(clock or SystemClock()).sleep,
        reraise=True,
    )
    return await attempts(once)
