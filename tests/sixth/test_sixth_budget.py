"""Limits that a vendor tells in advance: nobody runs into them, and where the deadline comes first it is said at once."""

from __future__ import annotations

import anyio
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lead_mcp.errors import RateLimited
from lead_mcp.transport.budget import VendorBudget
from lead_mcp.transport.rate import RateLimit
from lead_mcp.vendors.spec.http import RateHint, Reply
from tests.driving import Bench, CallFailed, bench
from tests.sixth import wire


def listened_to(app: ASGIApp, statuses: list[int]) -> ASGIApp:
    """The app, with the status of every answer noted."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
            await send(message)

        await app(scope, receive, note)

    return call


def statuses_of(driven: Bench) -> list[int]:
    """The statuses from now on; the account's rate counts by the event loop's clock, as the emulator does."""
    driven.runtime.connection("sixth").outbound.rate.clock = anyio.current_time
    stage, statuses = driven.box.stages["sixth"], list[int]()
    stage.app = listened_to(stage.app, statuses)
    return statuses


def test_nobody_runs_into_a_limit_that_was_told() -> None:
    with bench(30, only=["sixth"], options={"sixth": {"budget": (5, 1.0)}}) as driven:
        statuses = statuses_of(driven)
        ids = [row[0] for row in driven.page(limit=12)["leads"]["rows"]]
        started = driven.portal.call(anyio.current_time)
        assert len(driven.page(ids=ids, limit=12)["leads"]["rows"]) == 12
        assert driven.portal.call(anyio.current_time) - started > 1, "twelve look-ups of five a second"
        assert statuses.count(200) == len(statuses) >= 13


def test_a_limit_beyond_the_deadline_is_said_at_once_and_nothing_is_sent() -> None:
    with bench(30, only=["sixth"], options={"sixth": {"budget": (2, 3600.0)}}) as driven:
        statuses = statuses_of(driven)
        first = driven.page(limit=5)["leads"]["rows"][0][0]
        driven.call("get_lead", uri=first)
        started = driven.portal.call(anyio.current_time)
        with pytest.raises(CallFailed, match="no more calls") as failed:
            driven.call("get_lead", uri=first)
        assert driven.portal.call(anyio.current_time) < started + 5, "nobody waits for it"
        assert failed.value.code == "rate_limited"
        assert 3500 < failed.value.said["retry_after"] <= 3600
        assert statuses == [200, 200]


# --- the hint and the budget ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "hint"),
    [
        ({"x-ratelimit-remaining": "7", "x-ratelimit-reset": "12"}, RateHint(7, 12)),
        ({"x-ratelimit-remaining": "-1", "x-ratelimit-reset": "-3"}, None),
        ({"x-ratelimit-remaining": "7"}, None),
        ({"x-ratelimit-remaining": "many", "x-ratelimit-reset": "soon"}, None),
        ({}, None),
    ],
)
def test_what_a_reply_tells(headers: dict[str, str], hint: RateHint | None) -> None:
    assert wire.rate_hint(Reply(200, b"", headers)) == hint


@pytest.mark.parametrize(
    ("hints", "in_flight", "waits"),
    [
        ([], 3, False),
        ([RateHint(2, 60)], 1, False),
        ([RateHint(2, 60)], 2, True),
        ([RateHint(0, 60)], 1, True),
        ([RateHint(0, 0)], 1, False),
        ([RateHint(0, 60), RateHint(3, 59)], 1, True),  # an older answer that came late
        ([RateHint(0, 10), RateHint(3, 60)], 1, False),  # the next window
    ],
)
def test_calls_wait_for_the_next_window(hints: list[RateHint], in_flight: int, *, waits: bool) -> None:
    budget = VendorBudget()
    for hint in hints:
        budget.heed(hint, 100.0)
    assert (budget.pause(in_flight, 100.5) is not None) is waits


def spent() -> RateLimit:
    """A limit whose vendor has just said that nothing is left for a minute."""
    limit = RateLimit()
    limit.heed(RateHint(0, 60))
    return limit


@pytest.mark.anyio
async def test_nobody_waits_for_a_window_that_comes_after_the_deadline() -> None:
    limit = spent()
    with anyio.move_on_after(10), pytest.raises(RateLimited) as failed:
        async with limit.slot():
            pytest.fail("it left")
    assert failed.value.sent is False
    assert limit.in_flight == 0


@pytest.mark.anyio
async def test_what_is_under_way_may_still_bring_better_news() -> None:
    limit = RateLimit()
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:

            async def under_way() -> None:
                async with limit.slot():
                    limit.heed(RateHint(0, 60))
                    await anyio.wait_all_tasks_blocked()
                    limit.heed(RateHint(5, 120))  # a window that the first hint knew nothing of

            async def waiting() -> None:
                async with limit.slot():
                    pass

            tasks.start_soon(under_way)
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(waiting)
