"""A vendor that is down is left alone for a while, then tried with one request; whoever is there is asked on."""

from __future__ import annotations

import pytest

from lead_mcp.errors import BadArgument, Unavailable
from lead_mcp.transport.breaker import FAILURES, LONGEST_REST, REST, Breaker, NotAsked
from tests.driving import CallFailed, bench


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def fail(breaker: Breaker) -> None:
    with pytest.raises(Unavailable), breaker.watched():
        raise Unavailable("down")


def reply(breaker: Breaker, status: int = 200) -> None:
    with breaker.watched() as replied:
        replied(status)


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(clock)
    for nth in range(FAILURES):
        reply(breaker, 503) if nth % 2 else fail(breaker)
    return breaker


def test_after_failures_in_a_row_nothing_is_sent_until_the_rest_is_over() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = REST - 1
    with pytest.raises(NotAsked) as refused:
        reply(breaker)
    assert (refused.value.code, refused.value.sent, refused.value.retry_after) == ("unavailable", False, 1)
    clock.now = REST
    with breaker.watched() as replied:
        with pytest.raises(NotAsked):
            reply(breaker)
        replied(200)
    reply(breaker)


def test_each_failed_try_makes_the_rest_longer_up_to_a_bound() -> None:
    clock = Clock()
    breaker, rests = opened(clock), list[float]()
    for _ in range(6):
        rests.append(breaker.until - clock.now)
        clock.now = breaker.until
        fail(breaker)
    assert rests == [min(REST * 2**nth, LONGEST_REST) for nth in range(6)]


def test_a_reply_of_any_other_kind_begins_the_count_anew_and_our_own_faults_do_not_count() -> None:
    breaker = Breaker(Clock())
    for _ in range(FAILURES * 2):
        fail(breaker)
        reply(breaker, 429)
    for _ in range(FAILURES):
        with pytest.raises(BadArgument), breaker.watched():
            raise BadArgument("ours")
    reply(breaker)


def test_a_call_at_a_vendor_that_is_down_answers_at_once_and_others_are_not_touched() -> None:
    with bench(20, only=["octanist", "leadtrackr"]) as driven:
        breaker = driven.runtime.connection("octanist").outbound.breaker
        breaker.failures, breaker.until = FAILURES, breaker.clock() + 60
        heard = len(driven.heard("octanist"))
        with pytest.raises(CallFailed, match=r"unavailable: .*asked again in"):
            driven.page(account="octanist", limit=1)
        assert len(driven.heard("octanist")) == heard
        page = driven.page(limit=1)
        assert {one["account"]: one.get("error", {}).get("code") for one in page["accounts"]} == {
            "octanist": "unavailable",
            "leadtrackr": None,
        }
