"""A vendor that is down is left alone for a while, then tried with one request; whoever is there is asked on.

Each rule holds for a breaker of one process and for two that share a real Redis: one meets the failures, the other is asked.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio
import pytest

from lead_mcp.errors import BadArgument, TimedOut, Unavailable
from lead_mcp.transport.breaker import FAILURES, HANG, LONGEST_REST, REST, Breaker, NotAsked
from lead_mcp.transport.shared_breaker import SharedBreaker
from lead_mcp.transport.shared_redis import SharedRedis
from tests.driving import CallFailed, bench
from tests.identity.test_shared_rate import needs_redis, redis
from tests.ports import free_port

HANGS = math.ceil(FAILURES / HANG)
SOON = 0.05
"""Seconds without a reply that make a hang here."""


@dataclass
class Pair:
    """Two breakers of one vendor, the same one where nothing is shared; ``later`` lets seconds pass for them."""

    first: Breaker
    second: Breaker
    later: Callable[[float], Awaitable[None]]

    async def fails(self, error: Exception) -> None:
        with suppress(type(error)):
            async with self.first.watched() as exchange:
                exchange.leaves()
                raise error

    async def replies(self, status: int = 200) -> None:
        async with self.first.watched() as exchange:
            exchange.leaves()
            exchange.replied(status)

    async def opens(self) -> None:
        for nth in range(FAILURES):
            await (self.replies(503) if nth % 2 else self.fails(Unavailable("down")))

    async def cut_off(self, seconds: float, deadline: float = math.inf) -> None:
        """A request without a reply, ended after so many seconds: by its deadline, or by whoever asked."""
        with anyio.CancelScope(deadline=anyio.current_time() + deadline) as scope:
            async with self.first.watched() as exchange:
                exchange.leaves()
                await anyio.sleep(seconds)
                scope.cancel()
                await anyio.sleep(60)
        assert scope.cancelled_caught

    async def wait(self) -> float | None:
        """The seconds after which the other one asks again; None where it asks now, and the vendor is there."""
        try:
            async with self.second.watched() as exchange:
                exchange.leaves()
                exchange.replied(200)
        except NotAsked as refused:
            return refused.retry_after
        return None


@asynccontextmanager
async def alone(folder: Path) -> AsyncIterator[Pair]:
    passed = [0.0]
    breaker = Breaker(lambda: time.monotonic() + passed[0], patience=SOON)

    async def later(seconds: float) -> None:
        passed[0] += seconds

    yield Pair(breaker, breaker, later)


@asynccontextmanager
async def shared(folder: Path) -> AsyncIterator[Pair]:
    """Redis goes by its own clock: time passes by moving what it has noted."""
    with redis(folder, free_port()) as url:
        replicas = [SharedRedis.at(url) for _ in range(2)]
        first, second = (SharedBreaker(key="one", shared=one, patience=SOON) for one in replicas)

        async def later(seconds: float) -> None:
            await replicas[0].redis.hincrbyfloat("lead-mcp:{one}:breaker", "until", -seconds)

        yield Pair(first, second, later)
        for one in replicas:
            await one.aclose()


Open = Callable[[Path], AbstractAsyncContextManager[Pair]]
either = pytest.mark.parametrize("pair", [alone, pytest.param(shared, marks=needs_redis)], ids=lambda one: one.__name__)
pytestmark = pytest.mark.anyio


@either
async def test_after_failures_in_a_row_nothing_is_sent_until_the_rest_is_over(pair: Open, tmp_path: Path) -> None:
    async with pair(tmp_path) as two:
        await two.opens()
        assert await two.wait() == pytest.approx(REST, abs=5)
        await two.later(REST)
        async with two.first.watched() as exchange:
            exchange.leaves()
            assert await two.wait() is not None, "one request tries, over all replicas"
            exchange.replied(200)
        assert await two.wait() is None


@either
async def test_each_failed_try_makes_the_rest_longer_up_to_a_bound(pair: Open, tmp_path: Path) -> None:
    async with pair(tmp_path) as two:
        await two.opens()
        rests = list[float]()
        for _ in range(6):
            rests.append(await two.wait() or 0)
            await two.later(rests[-1])
            await two.fails(Unavailable("down"))
        assert rests == pytest.approx([min(REST * 2**nth, LONGEST_REST) for nth in range(6)], abs=5)


@either
async def test_whatever_else_it_replies_shows_that_it_is_there_and_our_faults_do_not_count(
    pair: Open, tmp_path: Path
) -> None:
    async with pair(tmp_path) as two:
        for _ in range(FAILURES + 1):
            await two.fails(Unavailable("down"))
            assert await two.wait() is None
        for _ in range(FAILURES):
            await two.fails(BadArgument("ours"))
        assert await two.wait() is None


@either
async def test_a_hang_counts_and_a_caller_that_goes_away_does_not(pair: Open, tmp_path: Path) -> None:
    async with pair(tmp_path) as two:
        for _ in range(HANGS):
            await two.cut_off(2 * SOON)
            await two.cut_off(60, deadline=SOON / 5)  # it came too late to be answered
        assert await two.wait() is None
        async with anyio.create_task_group() as group:
            for _ in range(HANGS):
                group.start_soon(partial(two.cut_off, 60, deadline=2 * SOON))
        assert two.first.failures == HANG, "what hangs together is one hang"
        await two.cut_off(60, deadline=2 * SOON)
        await two.fails(TimedOut("slow"))
        assert await two.wait() is not None


@either
async def test_whoever_tries_and_goes_away_leaves_the_next_one_to_try(pair: Open, tmp_path: Path) -> None:
    async with pair(tmp_path) as two:
        await two.opens()
        await two.later(REST)
        await two.cut_off(0)
        assert await two.wait() is None


async def test_what_was_under_way_when_the_rest_began_does_not_prolong_it(tmp_path: Path) -> None:
    async with alone(tmp_path) as two, two.first.watched() as late:
        late.leaves()
        await two.opens()
        late.replied(503)
    assert two.first.rests == 1


async def test_what_still_waits_for_its_turn_when_the_rest_begins_is_not_sent(tmp_path: Path) -> None:
    async with alone(tmp_path) as two:
        async with two.first.watched() as waiting:
            await two.opens()
            with pytest.raises(NotAsked) as refused:
                waiting.leaves()
        assert (refused.value.code, refused.value.sent) == ("unavailable", False)


@needs_redis
async def test_with_redis_gone_each_goes_on_from_what_it_last_saw(tmp_path: Path) -> None:
    async with shared(tmp_path) as two:
        await two.opens()
        assert await two.wait() is not None
        assert isinstance(two.second, SharedBreaker)
        two.second.shared = SharedRedis.at(f"redis://127.0.0.1:{free_port()}/0")
        assert await two.wait() is not None
        two.second.until = 0
        assert await two.wait() is None, "it tries by itself"


def test_a_call_at_a_vendor_that_hangs_is_soon_answered_at_once_and_others_are_not_touched() -> None:
    with bench(20, only=["octanist", "leadtrackr"]) as driven:
        driven.box.fault("octanist", "hang", times=-1)
        for _ in range(HANGS):
            with pytest.raises(CallFailed, match="timeout: "):
                driven.page(account="octanist", limit=1)
        heard = len(driven.heard("octanist"))
        with pytest.raises(CallFailed, match=r"unavailable: .*asked again in"):
            driven.page(account="octanist", limit=1)
        assert len(driven.heard("octanist")) == heard
        page = driven.page(limit=1)
        assert {one["account"]: one.get("error", {}).get("code") for one in page["accounts"]} == {
            "octanist": "unavailable",
            "leadtrackr": None,
        }
