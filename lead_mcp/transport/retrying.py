"""Trying once more: after which failures, how often, and how long is waited before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import anyio

from lead_mcp.errors import LeadMcpError, RateLimited, Unavailable
from lead_mcp.transport.breaker import NotAsked
from lead_mcp.vendors.spec.http import Effect

T = TypeVar("T")

ATTEMPTS: Final = 4
FIRST_WAIT: Final = 0.25
PASSING: Final = frozenset({None, 200, 429, 502, 503, 504})
"""Statuses of a failure that may be over in a moment; None where no reply came."""


async def retried(attempt: Callable[[], Awaitable[T]], effect: Effect, on_retry: Callable[[], None]) -> T:
    """What the first attempt gives that does not fail in passing, within the deadline; else the last one's failure."""
    again = retriable(effect)
    try:
        return await attempt()
    except LeadMcpError as error:
        if again(error) is False:  # 0 seconds are a wait too
            raise
        failed = error
    import stamina  # what nearly every request does without
    from stamina.instrumentation import set_on_retry_hooks

    # a retry is no news: the request lines tell of it, and what failed in the end is in the answer
    set_on_retry_hooks([])
    async for one in stamina.retry_context(
        on=again, attempts=ATTEMPTS, timeout=None, wait_initial=FIRST_WAIT, wait_jitter=FIRST_WAIT
    ):
        with one:
            if one.num == 1:
                raise failed
            on_retry()
            return await attempt()
    raise AssertionError("stamina ends by a result or an error")


def retriable(effect: Effect) -> Callable[[Exception], bool | float]:
    """What tells whether to try again after an error, or the seconds after which to."""

    def again(error: Exception) -> bool | float:
        if not isinstance(error, RateLimited | Unavailable) or isinstance(error, NotAsked):
            return False
        if isinstance(error, Unavailable) and error.status not in PASSING:  # LeadSquared's rate limit may be a 500
            return False
        if effect is not Effect.READ and error.sent:
            return False
        wait = error.retry_after
        return _before_deadline(wait or 0) and (True if wait is None else wait)

    return again


def _before_deadline(seconds: float) -> bool:
    return anyio.current_time() + seconds < anyio.current_effective_deadline()
