"""Rates that several replicas keep together, on a real Redis: never more than the vendor allows, and a share if it is gone."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import anyio
import pytest

from lead_mcp.transport.shared_rate import SharedRate, SharedSlots
from lead_mcp.transport.shared_redis import SharedRedis
from tests.ports import free_port

REDIS = shutil.which("redis-server")
needs_redis = pytest.mark.skipif(REDIS is None, reason="no redis-server here; .ci/run installs it")
pytestmark = [needs_redis, pytest.mark.anyio]


@contextmanager
def redis(folder: Path, port: int) -> Iterator[str]:
    """A Redis of our own for as long as the block runs; its URL."""
    words = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    process = subprocess.Popen([str(REDIS), *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while True:
            with closing(socket.socket()) as one:
                if one.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert time.monotonic() < until
            time.sleep(0.02)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(30)


async def test_replicas_together_keep_to_the_limit(tmp_path: Path) -> None:
    left: list[float] = []

    async def call(rate: SharedRate) -> None:
        async with rate.slot():
            left.append(time.monotonic())

    with redis(tmp_path, free_port()) as url:
        slots = [SharedSlots(SharedRedis.at(url)) for _ in range(3)]
        rates = [SharedRate(5, 0.5, key="one", slots=one) for one in slots]
        async with anyio.create_task_group() as group:
            for nth in range(18):
                group.start_soon(call, rates[nth % 3])
        assert max(one.replicas for one in slots) == 3
        for one in slots:
            await one.shared.aclose()
    left.sort()
    assert len(left) == 18
    assert all(later - earlier >= 0.5 for earlier, later in zip(left, left[5:], strict=False)), left


async def test_another_credential_has_slots_of_its_own(tmp_path: Path) -> None:
    with redis(tmp_path, free_port()) as url:
        slots = SharedSlots(SharedRedis.at(url))
        assert await slots.take("one", 1, "a") == 0
        assert await slots.take("one", 1, "b") > 1
        assert await slots.take("two", 1, "c") == 0
        await slots.give_back("one", 0.01, "a")
        await anyio.sleep(0.1)
        assert await slots.take("one", 1, "b") == 0
        await slots.shared.aclose()


async def test_with_redis_gone_each_keeps_to_its_share_and_comes_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port, now = free_port(), [0.0]
    with redis(tmp_path, port) as url:
        slots = SharedSlots(SharedRedis.at(url))
        slots.shared.clock = lambda: now[0]
        rate = SharedRate(6, 1.0, key="one", slots=slots)
        other = SharedSlots(SharedRedis.at(url))
        async with rate.slot():
            assert rate.own() == (6, 1.0)
            await other.take("one", 6, "x")
        await other.shared.aclose()
    async with rate.slot():
        assert rate.own() == (3, 1.0), "half of it: there were two"
    slots.replicas = 12
    assert rate.own() == (1, 2.0)
    assert [one.message.partition(":")[0] for one in caplog.records] == ["Redis is gone (ConnectionError)"]
    with redis(tmp_path, port):
        now[0] += 60
        async with rate.slot():
            assert rate.own() == (6, 1.0)
    await slots.shared.aclose()
    assert caplog.records[-1].message.startswith("Redis is back")
