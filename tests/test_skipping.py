"""The tests' own event loop: idle time is skipped, and nothing else."""

from __future__ import annotations

import time
from functools import partial

import anyio
import httpx2
import pytest

from tests.loopback import Say, in_turn, listening
from tests.skipping import SkippingLoop, skipping_portal

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "asyncio", {"loop_factory": SkippingLoop}


async def test_a_wait_of_a_day_is_over_at_once() -> None:
    before = anyio.current_time()
    await anyio.sleep(86_400)
    assert anyio.current_time() - before == pytest.approx(86_400)


async def test_work_takes_no_time() -> None:
    before = anyio.current_time()
    time.sleep(0.02)  # noqa: ASYNC251 - the loop is busy, as it is meant to be
    assert anyio.current_time() == before


@pytest.mark.parametrize("limiter", [None, 1], ids=["default", "own"])
async def test_a_thread_at_work_is_waited_for(limiter: int | None) -> None:
    own = None if limiter is None else anyio.CapacityLimiter(limiter)
    with anyio.fail_after(20):
        await anyio.to_thread.run_sync(partial(time.sleep, 0.1), limiter=own)


async def test_a_reply_over_a_socket_comes_before_the_deadline() -> None:
    async with listening(in_turn(Say(body=b"[]"))) as server, httpx2.AsyncClient(trust_env=False) as client:
        for _ in range(20):
            with anyio.fail_after(1):
                assert (await client.get(server.origin)).json() == []


async def test_a_vendor_that_hangs_meets_the_deadline_and_nobody_else_does() -> None:
    async with listening(in_turn(Say(wait=3_600), Say())) as server, httpx2.AsyncClient(trust_env=False) as client:
        with anyio.move_on_after(15) as scope:
            await client.get(server.origin, timeout=None)
        assert scope.cancelled_caught
        with anyio.fail_after(15):
            assert (await client.get(server.origin)).status_code == 200


def test_a_portal_has_such_a_loop() -> None:
    with skipping_portal() as portal:
        portal.call(anyio.sleep, 86_400)
